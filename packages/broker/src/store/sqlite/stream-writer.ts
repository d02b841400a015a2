import type { Database, Statement } from 'better-sqlite3';
import type { StoredLane, StoredStream, StoreTransaction } from '../store.ts';
import { type CommitData, rowsOf } from './commit-data.ts';
import {
  BATCH_COLUMNS,
  type CommitMeta,
  MOVE_COLUMNS,
  REMOVAL_COLUMNS,
  STREAM_COLUMNS,
} from './commit-record.ts';
import type { SegmentSpace } from './segment-space.ts';
import { prepareAll } from './statements.ts';

export interface Removed {
  readonly streamId: number;
  readonly bytes: number;
}

/** A batch that was stored before there was a journal has no segment. */
type Gone = { bytes: number } & ({ segment: number; length: number } | { segment: null });

/** Writes streams and their batches. */
export class StreamWriter {
  readonly #sql: Record<keyof typeof SQL, Statement>;
  readonly #space: SegmentSpace;

  constructor(database: Database, space: SegmentSpace) {
    this.#sql = prepareAll(database, SQL);
    this.#space = space;
  }

  create(stream: StoredStream): void {
    const { id, name, options, createdAt, nextSequence, firstSequence, messages, lastTime, lanes } = stream;
    const texts = [JSON.stringify(options), JSON.stringify(lanes)];
    this.#sql.create.run(id, name, ...texts, createdAt, nextSequence, firstSequence, messages, lastTime);
  }

  updateOptions({ id, options }: StoreTransaction['updatedStreams'][number]): void {
    this.#sql.updateOptions.run(JSON.stringify(options), id);
  }

  /** Notes that batches lie where the data of this commit is. */
  move({ moves }: CommitMeta, data: CommitData): void {
    for (const [streamId, lane, first, segment, position, length] of rowsOf(moves, MOVE_COLUMNS)) {
      const here = data.pass(length!);
      const { changes } = this.#sql.moveBatch.run(
        data.segment,
        here,
        streamId,
        lane,
        first,
        segment,
        position,
      );
      if (changes === 0) continue;
      this.#space.add(segment!, -length!);
      this.#space.add(data.segment, length!);
    }
  }

  /** @returns what the removals freed */
  write(commit: CommitMeta, data: CommitData): Removed[] {
    const grown = new Map<number, number>();
    this.#insertBatches(commit, data, grown);
    const removed = this.#removeBatches(commit, grown);
    this.#updateCounters(commit, grown);
    return removed;
  }

  #insertBatches({ batches }: CommitMeta, data: CommitData, grown: Map<number, number>): void {
    if (batches === undefined) return;
    let kept = 0;
    for (const row of rowsOf(batches, BATCH_COLUMNS)) {
      const length = row.at(-1)!;
      this.#sql.insertBatch.run(row, data.segment, data.pass(length));
      add(grown, row[0]!, row[5]!);
      kept += length;
    }
    this.#space.add(data.segment, kept);
  }

  #removeBatches({ removals }: CommitMeta, grown: Map<number, number>): Removed[] {
    const removed = new Map<number, number>();
    const released = new Map<number, number>();
    for (const [streamId, lane, first, last] of rowsOf(removals, REMOVAL_COLUMNS)) {
      const gone = this.#sql.removeBatches.all(streamId, lane, first, last, last) as Gone[];
      let bytes = 0;
      for (const each of gone) {
        bytes += each.bytes;
        if (each.segment !== null) add(released, each.segment, each.length);
      }
      add(removed, streamId!, bytes);
      add(grown, streamId!, -bytes);
    }
    for (const [segment, bytes] of released) this.#space.add(segment, -bytes);
    return Array.from(removed, ([streamId, bytes]) => ({ streamId, bytes }));
  }

  #updateCounters({ streams = [] }: CommitMeta, grown: Map<number, number>): void {
    for (let i = 0; i < streams.length; ) {
      const [id, nextSequence, firstSequence, messages, lastTime, count] = streams.slice(
        i,
        i + STREAM_COLUMNS,
      );
      i += STREAM_COLUMNS;
      const lanes: StoredLane[] = [];
      for (const end = i + count! * 2; i < end; i += 2)
        lanes.push({ ordinal: streams[i]!, end: streams[i + 1]! });
      const bytes = grown.get(id!) ?? 0;
      const text = JSON.stringify(lanes);
      this.#sql.updateCounters.run(nextSequence, firstSequence, messages, lastTime, text, bytes, id);
      grown.delete(id!);
    }
    for (const [id, bytes] of grown) if (bytes !== 0) this.#sql.addBytes.run(bytes, id);
  }
}

const SQL = {
  create:
    'INSERT INTO streams (id, name, options, lanes, created_at, next_sequence, first_sequence, messages, last_time, ' +
    'bytes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0)',
  updateOptions: 'UPDATE streams SET options = ? WHERE id = ?',
  updateCounters:
    'UPDATE streams SET next_sequence = ?, first_sequence = ?, messages = ?, last_time = ?, lanes = ?, ' +
    'bytes = bytes + ? WHERE id = ?',
  addBytes: 'UPDATE streams SET bytes = bytes + ? WHERE id = ?',
  insertBatch:
    'INSERT INTO batches (stream_id, lane, first_seq, ordinal, count, bytes, time, length, segment, position, data) ' +
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, x'')",
  moveBatch:
    'UPDATE batches SET segment = ?, position = ? WHERE stream_id = ? AND lane = ? AND first_seq = ? ' +
    'AND segment = ? AND position = ?',
  removeBatches:
    'DELETE FROM batches WHERE stream_id = ? AND lane = ? AND first_seq BETWEEN ? AND ? ' +
    'AND first_seq + count - 1 <= ? RETURNING bytes, segment, length',
} as const;

function add(totals: Map<number, number>, id: number, bytes: number): void {
  totals.set(id, (totals.get(id) ?? 0) + bytes);
}
