import type { Account, Books } from './books.ts';
import type { PublisherRow, ReaderRow, StreamRow } from './rows.ts';
import { counted, grouped, styled } from './text.ts';

/** Streams that get the same lines, those who read them, and the proof of what they did. */
export interface Audience {
  readonly name: string;
  readonly streams: readonly StreamRow[];
  readonly readers: readonly ReaderRow[];
  readonly books: Books;
}

export interface Tally {
  /** Nothing was lost, left pending, damaged, stored twice, or delivered again after a confirmed ack. */
  readonly isClean: boolean;
  readonly lines: readonly string[];
}

/** What became of every line, for one audience. */
interface Column extends Account {
  readonly title: string;
  readonly published: number;
  readonly delivered: number;
  readonly left: number;
  readonly damaged: number;
  readonly storedTwice: number;
}

const NAME_WIDTH = 14;
const CELL_WIDTH = 12;

/** @param publishers ended: what they sent was confirmed */
export function tallyOf(publishers: readonly PublisherRow[], audiences: readonly Audience[]): Tally {
  const confirmed = new Map(publishers.map((row) => [row.name, row.confirmed]));
  const columns = audiences.map((audience) => columnOf(audience, confirmed));
  const durability = publishers[0]?.durability ?? '';
  const faults = faultsOf(columns);
  return {
    isClean: faults.length === 0,
    lines: [...tableLines(columns, durability), '', ...verdict(columns, faults)],
  };
}

function columnOf(
  { name, streams, readers, books }: Audience,
  confirmed: ReadonlyMap<string, number>,
): Column {
  const published = [...confirmed.values()].reduce((sum, count) => sum + count, 0);
  const add = <T>(rows: readonly T[], value: (row: T) => number) =>
    rows.reduce((sum, row) => sum + value(row), 0);
  return {
    title: name,
    published,
    delivered: add(readers, (row) => row.delivered),
    left: add(streams, (row) => row.messages),
    damaged: add(readers, (row) => row.damaged),
    storedTwice: add(streams, (row) => row.published) - published,
    ...books.close(confirmed),
  };
}

function tableLines(columns: readonly Column[], durability: string): string[] {
  const row = (name: string, value: (column: Column) => number, note = '') => {
    const cells = columns.map((column) => grouped(value(column)).padStart(CELL_WIDTH)).join('');
    return `${name.padEnd(NAME_WIDTH)}${cells}  ${styled('dim', note)}`.trimEnd();
  };
  const titles = columns.map(({ title }) => title.padStart(CELL_WIDTH)).join('');
  return [
    styled('dim', `${'tally'.padEnd(NAME_WIDTH)}${titles}`),
    row('published', (column) => column.published, `each one confirmed (${durability})`),
    row('delivered', (column) => column.delivered),
    row('acked', ackedOf, unheardNote(columns)),
    row('redelivered', ({ delivered, distinct }) => delivered - distinct, 'deliveries after a first one'),
    row('handled twice', (column) => column.duplicates, 'duplicates: at least once'),
    row('left pending', (column) => column.left),
    styled(
      'bold',
      row('lost', (column) => column.lost),
    ),
  ];
}

/** An empty stream was acked to the end, whether or not each of the answers arrived. */
function ackedOf({ acked, unheardAcks, left }: Column): number {
  return left === 0 ? acked + unheardAcks : acked;
}

function unheardNote(columns: readonly Column[]): string {
  const unheard = columns.reduce((sum, { left, unheardAcks }) => sum + (left === 0 ? unheardAcks : 0), 0);
  return unheard === 0 ? '' : `${counted(unheard, 'answer')} died with the broker`;
}

function faultsOf(columns: readonly Column[]): string[] {
  const count = (value: (column: Column) => number) =>
    columns.reduce((sum, column) => sum + value(column), 0);
  const faults: [number, string][] = [
    [count((column) => column.lost), 'lost'],
    [count((column) => column.left), 'left pending'],
    [count((column) => column.damaged), 'not what was sent'],
    [count((column) => column.storedTwice), 'stored twice'],
    [count((column) => column.ackedTwice), 'delivered again after the broker had confirmed the ack'],
  ];
  return faults.filter(([much]) => much !== 0).map(([much, what]) => `${counted(much, 'message')} ${what}`);
}

function verdict(columns: readonly Column[], faults: readonly string[]): string[] {
  if (faults.length > 0) return faults.map((fault) => styled(['red', 'bold'], `✖ ${fault}`));
  const published = columns.reduce((sum, column) => sum + column.published, 0);
  const duplicates = columns.reduce((sum, column) => sum + column.duplicates, 0);
  const twice =
    duplicates === 0
      ? 'No message was handled twice this time; after a crash some may be.'
      : `${grouped(duplicates)} came twice: handled, and their ack not on disk when the broker died.`;
  return [
    styled(['green', 'bold'], `✔ lost 0 of ${grouped(published)}, through a SIGKILL`),
    `  ${twice}`,
    '  None was stored twice, and none came again after a confirmed ack.',
  ];
}
