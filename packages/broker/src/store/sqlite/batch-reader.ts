import type { Database, Statement } from 'better-sqlite3';
import type { Journal } from '../journal/journal.ts';
import type { ReadRequest, SeekRequest } from '../store.ts';
import type { DamagedBatch } from './damaged-batches.ts';
import { DamagedRows, WRONG_ROW } from './damaged-rows.ts';
import type { BatchRow } from './messages.ts';
import { BATCH_ROW_IS_RIGHT } from './row-checks.ts';
import { rowCrc } from './row-crc.ts';
import { prepareAll } from './statements.ts';
import { readRows, type StoredRow } from './stored-rows.ts';

type Time = { first: number; time: number; isRight: number | null } | undefined;

type CheckedRow = StoredRow & { readonly bytes: number; readonly crc: number | null };

/** Reads runs of batches of a lane in order, and finds where one begins. */
export class BatchReader {
  readonly #journal: Journal;
  readonly #sql: Record<keyof typeof SQL, Statement>;

  constructor(database: Database, journal: Journal) {
    this.#journal = journal;
    this.#sql = prepareAll(database, SQL);
  }

  /**
   * From the batch that holds `from`, or the first after it, until `bytesMax` or `batchesMax` is reached; one at least.
   *
   * @throws DamagedRows
   */
  read({ streamId, lane, from, bytesMax, batchesMax }: ReadRequest): BatchRow[] {
    const before = this.#sql.before.get(streamId, lane, from) as CheckedRow | undefined;
    // What holds `from` may be damaged so that this does not show.
    const mayHold =
      before !== undefined && (before.first + before.count > from || !isRight(streamId, lane, before));
    const start = mayHold ? before.first : from;
    const rows: StoredRow[] = [];
    const damaged: DamagedBatch[] = [];
    let bytes = 0;
    for (const row of this.#sql.run.iterate(streamId, lane, start) as IterableIterator<CheckedRow>) {
      if (!isRight(streamId, lane, row)) {
        damaged.push({ streamId, lane, first: row.first, why: WRONG_ROW });
        if (damaged.length === DAMAGED_MAX) break;
        continue;
      }
      rows.push(row);
      bytes += row.segment === null ? row.data.length : row.length;
      if (bytes >= bytesMax || rows.length === batchesMax) break;
    }
    if (damaged.length > 0) throw new DamagedRows(damaged);
    return readRows(this.#journal, rows);
  }

  /** There is no index of times: they never go down along a lane, so the middle tells in which half to look on. */
  seek({ streamId, lane, time }: SeekRequest): number | undefined {
    const right = (row: Time): Time => {
      if (row === undefined || row.isRight === 1) return row;
      throw new DamagedRows([{ streamId, lane, first: row.first, why: WRONG_ROW }]);
    };
    const newest = right(this.#sql.newest.get(streamId, lane) as Time);
    if (newest === undefined || newest.time < time) return undefined;
    const next = (from: number) =>
      right(this.#sql.next.get(streamId, lane, from) as Time) as NonNullable<Time>;
    // What begins before `low` is too old, and what begins at `high` or after is not.
    let low = next(0).first;
    let high = newest.first;
    while (low < high) {
      const middle = low + Math.floor((high - low) / 2);
      const row = next(middle);
      if (row.time >= time) high = middle;
      else low = row.first + 1;
    }
    return next(low).first;
  }
}

/** As BATCH_ROW_IS_RIGHT, quicker: a run may have thousands of rows. */
function isRight(streamId: number, lane: number, row: CheckedRow): boolean {
  const { first, ordinal, count, bytes, time, flags, crc } = row;
  if (row.segment === null) return crc === null && row.data.length > 0;
  const { length, segment, position } = row;
  return (
    crc === rowCrc([streamId, lane, first, ordinal, count, bytes, time, length, segment, position, flags])
  );
}

/** Rows that are set aside in one go. */
const DAMAGED_MAX = 1_000;

const ROW =
  'SELECT first_seq AS first, coalesce(ordinal, first_seq - 1) AS ordinal, count, bytes, time, flags, crc, segment, ' +
  'position, length, data FROM batches';
const TIME = `SELECT first_seq AS first, time, (${BATCH_ROW_IS_RIGHT}) AS isRight FROM batches`;

const SQL = {
  before: `${ROW} WHERE stream_id = ? AND lane = ? AND first_seq <= ? ORDER BY first_seq DESC LIMIT 1`,
  run: `${ROW} WHERE stream_id = ? AND lane = ? AND first_seq >= ? ORDER BY first_seq`,
  newest: `${TIME} WHERE stream_id = ? AND lane = ? ORDER BY first_seq DESC LIMIT 1`,
  next: `${TIME} WHERE stream_id = ? AND lane = ? AND first_seq >= ? ORDER BY first_seq LIMIT 1`,
} as const;
