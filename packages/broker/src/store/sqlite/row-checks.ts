import type { Database } from 'better-sqlite3';
import { type RowValue, rowCrc } from './row-crc.ts';

interface Table {
  readonly name: string;
  /** Of each row that is as it was written this is true. */
  readonly right: string;
  /** What tells people which row it is; a value for each row. */
  readonly row: string;
}

const STREAM = "'stream ' || coalesce((SELECT quote(name) FROM streams WHERE id = stream_id), stream_id)";
const GROUP =
  "'group ' || coalesce((SELECT quote(groups.name) || ' of stream ' || quote(streams.name) FROM groups " +
  'JOIN streams ON streams.id = groups.stream_id WHERE groups.id = group_id), group_id)';

/**
 * What a start reads whole, or goes by.
 *
 * Numbers to which is added in SQL are in no CRC: what is added to one of them is added to `total` too, so that a total
 * which was wrong stays wrong.
 */
const TABLES: readonly Table[] = [
  { name: 'meta', right: crcOf('name', 'value'), row: 'name' },
  {
    name: 'streams',
    right:
      `${crcOf('id', 'name', 'options', 'created_at')} AND counters_crc = ` +
      'row_crc(id, next_sequence, first_sequence, messages, last_time, lanes) AND ' +
      'total = id + bytes + delayed + delayed_bytes + last_delayed_id',
    row: "'stream ' || quote(name)",
  },
  { name: 'segments', right: 'total = id + bytes', row: "'segment ' || id" },
  { name: 'doomed_streams', right: crcOf('id'), row: 'id' },
  { name: 'doomed_groups', right: crcOf('id'), row: 'id' },
  {
    name: 'groups',
    right: crcOf('id', 'stream_id', 'name', 'created_at', 'policy'),
    row: `'group ' || quote(name) || ' of ' || ${STREAM}`,
  },
  {
    name: 'positions',
    right: crcOf('group_id', 'lane', 'ack_floor', 'read_position', 'ordinal'),
    row: GROUP,
  },
  { name: 'windows', right: crcOf('group_id', 'lane', 'window', 'format', 'state'), row: GROUP },
  { name: 'producers', right: crcOf('id', 'used_at', 'receipts'), row: "'producer ' || lower(hex(id))" },
  { name: 'dedup', right: crcOf('stream_id', 'time', 'chunk', 'ids'), row: STREAM },
  {
    name: 'schedules',
    right: crcOf('name', 'stream', 'definition', 'next_at', 'data'),
    row: "'schedule ' || quote(name)",
  },
];

/** What is read when it is needed: what of it is damaged is set aside then, or told. */
const LARGE_TABLES: readonly Table[] = [
  {
    name: 'batches',
    // What was stored before there was a journal has its bytes in the row, and these have a CRC.
    right: `(${crcOf(
      'stream_id',
      'lane',
      'first_seq',
      'ordinal',
      'count',
      'bytes',
      'time',
      'length',
      'segment',
      'position',
      'flags',
    )} OR (crc IS NULL AND segment IS NULL AND length(data) > 0))`,
    row: `${STREAM} || ', sequence ' || first_seq`,
  },
  {
    name: 'delayed',
    right: crcOf('id', 'stream_id', 'lane', 'is_steady', 'due_at', 'count', 'bytes', 'time', 'flags'),
    row: `'delayed message ' || id || ' of ' || ${STREAM}`,
  },
  {
    name: 'failures',
    right: crcOf('group_id', 'first_seq', 'last_seq', 'attempt', 'at', 'cause', 'error'),
    row: GROUP,
  },
  {
    name: 'damaged',
    right: crcOf(
      'stream_id',
      'stream',
      'lane',
      'first_seq',
      'last_seq',
      'delayed_id',
      'messages',
      'at',
      'why',
      'segment',
      'position',
      'length',
    ),
    row: "'damage ' || id",
  },
];

/** A database of so many pages is looked through whole when it is opened, in some tenths of a second. */
const SMALL_PAGES = 4096;

/** Each is true of a row of its table that is as it was written. */
export const BATCH_ROW_IS_RIGHT: string = rightOf('batches');
export const DELAYED_ROW_IS_RIGHT: string = rightOf('delayed');
export const FAILURE_ROW_IS_RIGHT: string = rightOf('failures');
export const DAMAGED_ROW_IS_RIGHT: string = rightOf('damaged');

export interface DamagedRow {
  readonly table: string;
  /** Which, for people; what SQLite says of the whole table. */
  readonly row: string;
}

/**
 * Looks at what a start goes by: small, or read at each start anyway, so that this does not grow with the messages.
 *
 * @returns the first row that is not as it was written
 */
export function findDamageAtStart(database: Database): DamagedRow | undefined {
  const pages = database.pragma('page_count', { simple: true }) as number;
  if (pages <= SMALL_PAGES) {
    for (const damage of structureOf(database, undefined, 1)) return damage;
  } else {
    for (const { name } of TABLES) for (const damage of structureOf(database, name, 1)) return damage;
  }
  for (const damage of damagedRowsOf(database, TABLES)) return damage;
  return damageOfSchema(database);
}

/** What the tables and their columns are is text in the database too. */
export function schemaCrcOf(database: Database): number {
  const rows = database
    .prepare("SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_schema ORDER BY type, name")
    .raw()
    .all() as RowValue[][];
  return rowCrc(rows.flat());
}

function damageOfSchema(database: Database): DamagedRow | undefined {
  const crc = database.prepare("SELECT value FROM meta WHERE name = 'schema_crc'").pluck().get();
  return crc === schemaCrcOf(database) ? undefined : { table: 'sqlite_schema', row: 'its tables' };
}

/** All that is wrong with the database, given tables in which it is not looked for. */
export function* findAllDamage(
  database: Database,
  { except, linesMax }: { readonly except: readonly string[]; readonly linesMax: number },
): Generator<DamagedRow> {
  yield* structureOf(database, undefined, linesMax);
  const schema = damageOfSchema(database);
  if (schema !== undefined) yield schema;
  yield* damagedRowsOf(
    database,
    [...TABLES, ...LARGE_TABLES].filter(({ name }) => !except.includes(name)),
  );
}

/** What SQLite itself finds wrong: with the whole, or with how one table is kept. */
function* structureOf(
  database: Database,
  table: string | undefined,
  linesMax: number,
): Generator<DamagedRow> {
  const pragma = table === undefined ? `integrity_check(${linesMax})` : `quick_check(${table})`;
  const lines = database.pragma(pragma) as Record<string, string>[];
  for (const line of lines) {
    const [text = ''] = Object.values(line);
    if (text !== 'ok') yield { table: table ?? '', row: text.replaceAll(/\s+/g, ' ').trim() };
  }
}

function* damagedRowsOf(database: Database, tables: readonly Table[]): Generator<DamagedRow> {
  for (const { name, right, row } of tables) {
    const rows = database.prepare(`SELECT ${row} FROM ${name} WHERE (${right}) IS NOT TRUE`).pluck();
    for (const found of rows.iterate()) yield { table: name, row: String(found) };
  }
}

function crcOf(...columns: readonly string[]): string {
  return `crc = row_crc(${columns.join(', ')})`;
}

function rightOf(table: string): string {
  return LARGE_TABLES.find(({ name }) => name === table)!.right;
}
