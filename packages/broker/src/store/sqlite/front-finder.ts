import type { Database, Statement } from 'better-sqlite3';
import type { FrontRequest } from '../store.ts';
import { DamagedRows, WRONG_ROW } from './damaged-rows.ts';
import { BATCH_ROW_IS_RIGHT } from './row-checks.ts';

interface Size {
  readonly first: number;
  readonly count: number;
  readonly bytes: number;
  readonly lane: number;
  readonly isRight: number | null;
}

/** Finds how much of the front of a stream holds so many bytes. */
export class FrontFinder {
  readonly #database: Database;
  readonly #nextLane: Statement;
  /** By how many lanes they walk. */
  readonly #walks: (Statement | undefined)[] = [];

  constructor(database: Database) {
    this.#database = database;
    this.#nextLane = database
      .prepare('SELECT min(lane) FROM batches WHERE stream_id = ? AND lane > ?')
      .pluck();
  }

  /**
   * The sequence number after the last batch that would go.
   *
   * @throws DamagedRows
   */
  find({ streamId, bytes }: FrontRequest): number | undefined {
    const lanes = this.#lanes(streamId);
    if (lanes.length === 0) return undefined;
    let front: number | undefined;
    let free = 0;
    const places = lanes.flatMap((lane) => [streamId, lane]);
    for (const row of this.#walk(lanes.length).iterate(places) as IterableIterator<Size>) {
      front ??= row.first;
      if (free >= bytes) break;
      if (row.isRight !== 1)
        throw new DamagedRows([{ streamId, lane: row.lane, first: row.first, why: WRONG_ROW }]);
      free += row.bytes;
      front = row.first + row.count;
    }
    return front;
  }

  #lanes(streamId: number): number[] {
    const lanes: number[] = [];
    for (let lane = -1; ; ) {
      const next = this.#nextLane.get(streamId, lane) as number | null;
      if (next === null) return lanes;
      lanes.push(next);
      lane = next;
    }
  }

  /** SQLite merges the lanes as it goes, each by its index. */
  #walk(lanes: number): Statement {
    const lane =
      `SELECT first_seq AS first, lane, count, bytes, (${BATCH_ROW_IS_RIGHT}) AS isRight FROM batches ` +
      'WHERE stream_id = ? AND lane = ?';
    const sql = `${Array(lanes).fill(lane).join(' UNION ALL ')} ORDER BY first_seq`;
    this.#walks[lanes] ??= this.#database.prepare(sql);
    return this.#walks[lanes];
  }
}
