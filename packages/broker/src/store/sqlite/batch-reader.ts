import type { Database, Statement } from 'better-sqlite3';
import type { Journal } from '../journal/journal.ts';
import type { ReadRequest, SeekRequest } from '../store.ts';
import type { BatchRow } from './messages.ts';
import { prepareAll } from './statements.ts';
import { readRows, type StoredRow } from './stored-rows.ts';

type Time = { first: number; time: number } | undefined;

/** Reads runs of batches of a lane in order, and finds where one begins. */
export class BatchReader {
  readonly #journal: Journal;
  readonly #sql: Record<keyof typeof SQL, Statement>;

  constructor(database: Database, journal: Journal) {
    this.#journal = journal;
    this.#sql = prepareAll(database, SQL);
  }

  /** From the batch that holds `from`, or the first after it, until `bytesMax` is reached; one at least. */
  read({ streamId, lane, from, bytesMax }: ReadRequest): BatchRow[] {
    const before = this.#sql.before.get(streamId, lane, from) as { first: number; count: number } | undefined;
    const holds = before !== undefined && before.first + before.count > from;
    const start = holds ? before.first : from;
    const rows: StoredRow[] = [];
    let bytes = 0;
    for (const row of this.#sql.run.iterate(streamId, lane, start) as IterableIterator<StoredRow>) {
      rows.push(row);
      bytes += row.segment === null ? row.data.length : row.length;
      if (bytes >= bytesMax) break;
    }
    return readRows(this.#journal, rows);
  }

  /** There is no index of times: they never go down along a lane, so the middle tells in which half to look on. */
  seek({ streamId, lane, time }: SeekRequest): number | undefined {
    const newest = this.#sql.newest.get(streamId, lane) as Time;
    if (newest === undefined || newest.time < time) return undefined;
    const next = (from: number) => this.#sql.next.get(streamId, lane, from) as NonNullable<Time>;
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

const SQL = {
  before:
    'SELECT first_seq AS first, count FROM batches WHERE stream_id = ? AND lane = ? AND first_seq <= ? ' +
    'ORDER BY first_seq DESC LIMIT 1',
  run:
    'SELECT first_seq AS first, coalesce(ordinal, first_seq - 1) AS ordinal, time, segment, position, length, data ' +
    'FROM batches WHERE stream_id = ? AND lane = ? AND first_seq >= ? ORDER BY first_seq',
  newest:
    'SELECT first_seq AS first, time FROM batches WHERE stream_id = ? AND lane = ? ORDER BY first_seq DESC LIMIT 1',
  next:
    'SELECT first_seq AS first, time FROM batches WHERE stream_id = ? AND lane = ? AND first_seq >= ? ' +
    'ORDER BY first_seq LIMIT 1',
} as const;
