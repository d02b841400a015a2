import Table from 'cli-table3';
import { bold, dim } from './style.ts';

export interface Column {
  readonly head: string;
  /** Numbers stand on the right. Default left. */
  readonly align?: 'left' | 'right';
  /** Cut, on a terminal, to what room the others leave. Default false. */
  readonly fill?: boolean;
}

const NO_LINES = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '   ',
};

const GAP = NO_LINES.middle.length;
const FILL_WIDTH_MIN = 20;

/** Rows under their heads, in columns three spaces apart. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const text = new Table({
    head: columns.map(({ head }) => bold(head)),
    colWidths: widths(columns, rows),
    colAligns: columns.map(({ align }) => align ?? 'left'),
    chars: NO_LINES,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  for (const row of rows) text.push([...row]);
  return trimmed(text.toString());
}

/** A width for a column that fills what is left of the terminal and would not fit; null lets a column be as wide as it is. */
function widths(columns: readonly Column[], rows: readonly (readonly string[])[]): (number | null)[] {
  const terminalWidth = process.stdout.columns ?? Number.POSITIVE_INFINITY;
  const natural = columns.map(({ head }, index) =>
    rows.reduce((width, row) => Math.max(width, row[index]?.length ?? 0), head.length),
  );
  const total = natural.reduce((sum, width) => sum + width, GAP * (columns.length - 1));
  return columns.map(({ fill }, index) => {
    if (!fill || total <= terminalWidth) return null;
    return Math.max(FILL_WIDTH_MIN, natural[index]! - (total - terminalWidth));
  });
}

/** Names beside their values. */
export function properties(rows: readonly (readonly [name: string, value: string])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${dim(name.padEnd(width))}   ${value}\n`).join('');
}

function trimmed(text: string): string {
  return `${text
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')}\n`;
}
