import { batchFlagsOf } from '@simplemq/protocol';
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
import { BATCH_ROW_IS_RIGHT } from './row-checks.ts';
import { rowCrc } from './row-crc.ts';
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
    const [optionsText, lanesText] = [JSON.stringify(options), JSON.stringify(lanes)];
    const counters = [nextSequence, firstSequence, messages, lastTime, lanesText];
    this.#sql.create.run(
      [id, name, optionsText, createdAt, ...counters],
      // Nothing is in it yet.
      id,
      rowCrc([id, name, optionsText, createdAt]),
      rowCrc([id, ...counters]),
    );
  }

  updateOptions({ id, options }: StoreTransaction['updatedStreams'][number]): void {
    const text = JSON.stringify(options);
    this.#sql.updateOptions.run(text, text, id);
  }

  /** Notes that batches lie where the data of this commit is. */
  move({ moves }: CommitMeta, data: CommitData): void {
    for (const [streamId, lane, first, segment, position, length] of rowsOf(moves, MOVE_COLUMNS)) {
      const here = data.pass(length!);
      const { changes } = this.#sql.moveBatch.run({
        segment: data.segment,
        position: here,
        streamId,
        lane,
        first,
        oldSegment: segment,
        oldPosition: position,
      });
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
      row.push(data.segment, data.position, batchFlagsOf(data.take(length)));
      this.#sql.insertBatch.run(row, rowCrc(row));
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
      const counters = [nextSequence!, firstSequence!, messages!, lastTime!, JSON.stringify(lanes)];
      this.#sql.updateCounters.run(counters, rowCrc([id!, ...counters]), bytes, bytes, id);
      grown.delete(id!);
    }
    for (const [id, bytes] of grown) if (bytes !== 0) this.#sql.addBytes.run(bytes, bytes, id);
  }
}

const SQL = {
  create:
    'INSERT INTO streams (id, name, options, created_at, next_sequence, first_sequence, messages, last_time, lanes, ' +
    'bytes, total, crc, counters_crc) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?)',
  updateOptions: 'UPDATE streams SET options = ?, crc = row_crc(id, name, ?, created_at) WHERE id = ?',
  updateCounters:
    'UPDATE streams SET next_sequence = ?, first_sequence = ?, messages = ?, last_time = ?, lanes = ?, ' +
    'counters_crc = ?, bytes = bytes + ?, total = total + ? WHERE id = ?',
  addBytes: 'UPDATE streams SET bytes = bytes + ?, total = total + ? WHERE id = ?',
  insertBatch:
    'INSERT INTO batches (stream_id, lane, first_seq, ordinal, count, bytes, time, length, segment, position, flags, ' +
    "crc, data) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, x'')",
  // A row that is damaged stays so, and where it is.
  moveBatch:
    'UPDATE batches SET segment = @segment, position = @position, crc = row_crc(stream_id, lane, first_seq, ordinal, ' +
    'count, bytes, time, length, @segment, @position, flags) WHERE stream_id = @streamId AND lane = @lane ' +
    `AND first_seq = @first AND segment = @oldSegment AND position = @oldPosition AND ${BATCH_ROW_IS_RIGHT}`,
  removeBatches:
    'DELETE FROM batches WHERE stream_id = ? AND lane = ? AND first_seq BETWEEN ? AND ? ' +
    // Where one ends that is damaged is not known: it stays until it is read, and set aside.
    `AND first_seq + count - 1 <= ? AND ${BATCH_ROW_IS_RIGHT} RETURNING bytes, segment, length`,
} as const;

function add(totals: Map<number, number>, id: number, bytes: number): void {
  totals.set(id, (totals.get(id) ?? 0) + bytes);
}
