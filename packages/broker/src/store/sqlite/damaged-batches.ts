import type { Database, Statement } from 'better-sqlite3';
import type { StoredDamage, StoredLane } from '../store.ts';
import { BATCH_ROW_IS_RIGHT, DELAYED_ROW_IS_RIGHT } from './row-checks.ts';
import { prepareAll } from './statements.ts';

/** A batch that is not as it was stored, and how that was seen. */
export type DamagedBatch =
  | { readonly streamId: number; readonly lane: number; readonly first: number; readonly why: string }
  | { readonly delayedId: number; readonly why: string };

interface BatchRow {
  readonly ordinal: number;
  readonly count: number;
  readonly bytes: number;
  readonly isRight: number | null;
  readonly segment: number | null;
  readonly position: number | null;
  readonly length: number | null;
}

interface DelayedRow {
  readonly streamId: number;
  readonly lane: number;
  readonly count: number;
  readonly bytes: number;
  readonly isRight: number | null;
  readonly data: Uint8Array;
}

/** With the bytes that are nowhere else. */
type Taken = StoredDamage & { readonly data?: Uint8Array };

/** A batch next to one that is gone, or the end of the lane. */
interface Neighbour {
  readonly first: number;
  readonly ordinal: number;
  readonly count: number;
}

/** What a stream has less. */
interface Loss {
  readonly bytes: number;
  readonly delayed: number;
  readonly delayedBytes: number;
}

/**
 * Takes batches that are damaged out of what streams have, and keeps a note of them in the table `damaged`. Their bytes
 * stay where they are: what a row had of a segment counts as used for as long as there is its stream.
 */
export class DamagedBatches {
  readonly #sql: Record<keyof typeof SQL, Statement>;

  constructor(database: Database) {
    this.#sql = prepareAll(database, SQL);
    for (const name of ['name', 'lanes', 'segments'] as const) this.#sql[name].pluck();
  }

  /** Segments of the journal in which something is that was set aside. */
  get segments(): ReadonlySet<number> {
    return new Set(this.#sql.segments.all() as number[]);
  }

  /** Within a transaction. @returns what was there still, and is set aside now */
  setAside(damaged: readonly DamagedBatch[]): StoredDamage[] {
    return damaged.flatMap((batch) => {
      const damage = 'delayedId' in batch ? this.#takeDelayed(batch) : this.#takeBatch(batch);
      if (damage === undefined) return [];
      const { data, ...told } = { data: null, ...damage };
      const { bytes: _, endOrdinal: _end, ...note } = { ...NOWHERE, ...told };
      this.#sql.note.run({ ...note, at: Date.now(), data });
      return [told];
    });
  }

  #takeBatch({ streamId, lane, first, why }: Extract<DamagedBatch, { first: number }>): Taken | undefined {
    const row = this.#sql.batch.get(streamId, lane, first) as BatchRow | undefined;
    if (row === undefined) return undefined;
    const { count, isRight, segment, position, length } = row;
    const place = { streamId, stream: this.#nameOf(streamId), lane };
    this.#sql.removeBatch.run(streamId, lane, first);
    if (isRight === 1) {
      this.#sql.lose.run({ streamId, bytes: row.bytes, delayed: 0, delayedBytes: 0 });
      const where = segment === null ? {} : { segment, position: position!, length: length! };
      const endOrdinal = row.ordinal + count;
      const hole = { first, last: first + count - 1, messages: count, endOrdinal };
      return { ...place, ...hole, bytes: row.bytes, why, ...where };
    }
    // What the row says of itself may be wrong.
    const { bytes } = this.#recount(streamId);
    return { ...place, ...this.#hole(streamId, lane, first, count), bytes, why };
  }

  #takeDelayed({ delayedId, why }: Extract<DamagedBatch, { delayedId: number }>): Taken | undefined {
    const row = this.#sql.delayed.get(delayedId) as DelayedRow | undefined;
    if (row === undefined) return undefined;
    const { streamId, lane, count, bytes, isRight, data } = row;
    this.#sql.removeDelayed.run(delayedId);
    const place = { streamId, stream: this.#nameOf(streamId), lane, delayedId, why, data };
    if (isRight === 1) {
      this.#sql.lose.run({ streamId, bytes: 0, delayed: count, delayedBytes: bytes });
      return { ...place, messages: count, bytes };
    }
    const lost = this.#recount(streamId);
    return { ...place, messages: lost.delayed, bytes: lost.delayedBytes };
  }

  #nameOf(streamId: number): string {
    return (this.#sql.name.get(streamId) as string | undefined) ?? '';
  }

  /** Makes the numbers of a stream those of the rows that it has. @returns by how much they were more */
  #recount(streamId: number): Loss {
    const excess = this.#sql.excess.get({ streamId }) as Loss | undefined;
    if (excess === undefined) return { bytes: 0, delayed: 0, delayedBytes: 0 };
    this.#sql.lose.run({ streamId, ...excess });
    return excess;
  }

  /**
   * The sequence numbers between the neighbours of a batch that is gone, and how many messages those were: what the batch
   * itself says, where nothing lies before it and that can be so, for the numbers may be those of other lanes.
   */
  #hole(
    streamId: number,
    lane: number,
    first: number,
    count: number,
  ): Required<Pick<StoredDamage, 'first' | 'last' | 'messages' | 'endOrdinal'>> {
    const before = this.#sql.before.get(streamId, lane, first) as Neighbour | undefined;
    const after = this.#sql.after.get(streamId, lane, first) as Neighbour | undefined;
    const end = after ?? this.#endOf(streamId, lane);
    const start = before === undefined ? first : Math.min(first, before.first + before.count);
    const last = Math.max(first, end.first - 1);
    const numbers = last - start + 1;
    const said = count > 0 ? count : numbers;
    const between = before === undefined ? said : end.ordinal - before.ordinal - before.count;
    const messages = Math.max(0, Math.min(numbers, between));
    return { first: start, last, messages, endOrdinal: end.ordinal };
  }

  #endOf(streamId: number, lane: number): Neighbour {
    const lanes = JSON.parse((this.#sql.lanes.get(streamId) as string | undefined) ?? '[]') as StoredLane[];
    const { end, ordinal } = lanes[lane] ?? { end: 0, ordinal: 0 };
    return { first: end, ordinal, count: 0 };
  }
}

/** In place of what is not told. */
const NOWHERE = { first: null, last: null, delayedId: null, segment: null, position: null, length: null };

const NEIGHBOUR =
  'SELECT first_seq AS first, coalesce(ordinal, first_seq - 1) AS ordinal, count FROM batches ' +
  'WHERE stream_id = ? AND lane = ?';

const SQL = {
  batch:
    'SELECT coalesce(ordinal, first_seq - 1) AS ordinal, count, bytes, segment, position, length, ' +
    `(${BATCH_ROW_IS_RIGHT}) AS isRight FROM batches ` +
    'WHERE stream_id = ? AND lane = ? AND first_seq = ?',
  removeBatch: 'DELETE FROM batches WHERE stream_id = ? AND lane = ? AND first_seq = ?',
  before: `${NEIGHBOUR} AND first_seq < ? AND ${BATCH_ROW_IS_RIGHT} ORDER BY first_seq DESC LIMIT 1`,
  after: `${NEIGHBOUR} AND first_seq > ? AND ${BATCH_ROW_IS_RIGHT} ORDER BY first_seq LIMIT 1`,
  delayed: `SELECT stream_id AS streamId, lane, count, bytes, data, (${DELAYED_ROW_IS_RIGHT}) AS isRight FROM delayed WHERE id = ?`,
  removeDelayed: 'DELETE FROM delayed WHERE id = ?',
  name: 'SELECT name FROM streams WHERE id = ?',
  lanes: 'SELECT lanes FROM streams WHERE id = ?',
  excess:
    'SELECT bytes - (SELECT coalesce(sum(bytes), 0) FROM batches WHERE stream_id = @streamId) AS bytes, ' +
    'delayed - (SELECT coalesce(sum(count), 0) FROM delayed WHERE stream_id = @streamId) AS delayed, ' +
    'delayed_bytes - (SELECT coalesce(sum(bytes), 0) FROM delayed WHERE stream_id = @streamId) AS delayedBytes ' +
    'FROM streams WHERE id = @streamId',
  lose:
    'UPDATE streams SET bytes = bytes - @bytes, delayed = delayed - @delayed, ' +
    'delayed_bytes = delayed_bytes - @delayedBytes, total = total - @bytes - @delayed - @delayedBytes ' +
    'WHERE id = @streamId',
  note:
    'INSERT INTO damaged (stream_id, stream, lane, first_seq, last_seq, delayed_id, messages, at, why, segment, ' +
    'position, length, crc, data) VALUES (@streamId, @stream, @lane, @first, @last, @delayedId, @messages, @at, @why, ' +
    '@segment, @position, @length, row_crc(@streamId, @stream, @lane, @first, @last, @delayedId, @messages, @at, @why, ' +
    '@segment, @position, @length), @data)',
  segments: 'SELECT DISTINCT segment FROM damaged WHERE segment IS NOT NULL',
} as const;
