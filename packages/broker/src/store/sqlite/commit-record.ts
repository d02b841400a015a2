import { crc32 } from 'node:zlib';
import { batchCrcOf, encodeBatchHead, StorageFull } from '@simplemq/protocol';
import type { Batch } from '../../stream/batch.ts';
import { crcOfBoth } from '../journal/crc.ts';
import { RECORD_HEAD_BYTES } from '../journal/record.ts';
import type { StoredGroup, StoredSchedule, StoreTransaction } from '../store.ts';
import type { KnownGroups } from './known-groups.ts';

/**
 * A transaction without its empty parts, as the meta of its record says it: JSON, in which what is in every commit is
 * plain numbers, so many for each row. Batches and other bytes lie side by side in the record's data: those of `batches`
 * first, then of `windows`, `delayed`, `dedup` and `schedules`; the last number of such a row is how many its bytes are.
 */
export interface CommitMeta extends Partial<CommitRows>, Partial<Pick<StoreTransaction, PlainPart>> {
  /** Those that are new, or have another policy. */
  readonly groups?: readonly Omit<StoredGroup, 'positions'>[];
  readonly schedules?: readonly (Omit<StoredSchedule, 'data'> & { readonly bytes: number })[];
  /** Batches that lie here from now on: streamId, lane, first, the segment and position where it lay, length */
  readonly moves?: readonly number[];
}

export interface CommitRows {
  /** streamId, lane, first, ordinal, count, bytes, time, length */
  readonly batches: readonly number[];
  /** id, nextSequence, firstSequence, messages, lastTime, how many lanes, and of each lane ordinal and end */
  readonly streams: readonly number[];
  /** groupId, lane, ackFloor, readPosition, ordinal: those that changed */
  readonly positions: readonly number[];
  /** groupId, lane, window, format, length */
  readonly windows: readonly number[];
  /** groupId, lane, window */
  readonly droppedWindows: readonly number[];
  /** streamId, lane, first, last */
  readonly removals: readonly number[];
  /** id, streamId, lane, isSteady (0 or 1), dueAt, count, bytes, time, length */
  readonly delayed: readonly number[];
  /** streamId, time, length */
  readonly dedup: readonly number[];
}

/** Numbers in a row. */
export const BATCH_COLUMNS = 8;
/** Those before the lanes. */
export const STREAM_COLUMNS = 6;
export const POSITION_COLUMNS = 5;
export const WINDOW_COLUMNS = 5;
export const DROPPED_WINDOW_COLUMNS = 3;
export const REMOVAL_COLUMNS = 4;
export const DELAYED_COLUMNS = 9;
export const DEDUP_COLUMNS = 3;
export const MOVE_COLUMNS = 6;

/** What is said as it is. */
const PLAIN_PARTS = [
  'deletedStreams',
  'createdStreams',
  'updatedStreams',
  'deletedGroups',
  'producers',
  'forgottenProducers',
  'removedDelayed',
  'failures',
  'droppedFailures',
  'droppedDedup',
  'deletedSchedules',
  'clockOffsetMs',
  'clockSteadyMs',
] as const;

type PlainPart = (typeof PLAIN_PARTS)[number];

/** A record of the journal whose head is still to be filled in. */
export interface CommitRecord {
  readonly bytes: ArrayBuffer;
  readonly metaBytes: number;
  /** The CRC-32 of what comes after meta. */
  readonly dataCrc: number;
}

/**
 * The record is a copy: the transaction stays as it is.
 *
 * @throws StorageFull when it is longer than a record may be
 */
export function encodeCommit(transaction: StoreTransaction, known: KnownGroups): CommitRecord {
  const data = new RecordData();
  const rows: Record<string, readonly unknown[]> = {
    batches: transaction.batches.flatMap(({ streamId, lane, batch }) => {
      const { first, ordinal, count, bytes, time } = batch;
      return [streamId, lane, first, ordinal, count, bytes, time, data.addBatch(batch)];
    }),
    streams: transaction.streams.flatMap(({ id, nextSequence, firstSequence, messages, lastTime, lanes }) => {
      const row = [id, nextSequence, firstSequence, messages, lastTime, lanes.length];
      for (const { ordinal, end } of lanes) row.push(ordinal, end);
      return row;
    }),
    ...known.takeChanges(transaction),
    windows: transaction.windows.flatMap(({ groupId, lane, window, format, state }) => {
      return [groupId, lane, window, format, data.add(state)];
    }),
    droppedWindows: transaction.droppedWindows.flatMap(({ groupId, lane, window }) => [
      groupId,
      lane,
      window,
    ]),
    removals: transaction.removals.flatMap(({ streamId, lane, first, last }) => [
      streamId,
      lane,
      first,
      last,
    ]),
    delayed: transaction.delayed.flatMap(({ id, streamId, lane, isSteady, dueAt, batch }) => {
      const { count, bytes, time } = batch;
      return [id, streamId, lane, Number(isSteady), dueAt, count, bytes, time, data.addBatch(batch)];
    }),
    dedup: transaction.dedup.flatMap(({ streamId, time, ids }) => [streamId, time, data.add(ids)]),
  };
  const meta: Record<string, unknown> = {};
  const add = (name: string, part: readonly unknown[]): void => {
    if (part.length > 0) meta[name] = part;
  };
  for (const [name, part] of Object.entries(rows)) add(name, part);
  for (const name of PLAIN_PARTS) add(name, transaction[name]);
  add(
    'schedules',
    transaction.schedules.map(({ data: batch, ...schedule }) => ({ ...schedule, bytes: data.add(batch) })),
  );
  return data.record(meta);
}

/** A record that moves batches, given the bytes of each. */
export function encodeMoves(moves: readonly number[], batches: readonly Uint8Array[]): CommitRecord {
  const data = new RecordData();
  for (const batch of batches) data.add(batch);
  return data.record({ moves });
}

export function decodeMeta(meta: Buffer): CommitMeta {
  return JSON.parse(meta.toString('utf8')) as CommitMeta;
}

/** Bytes beside the meta of a record: more than is collected for one commit, and half of what its head can tell. */
const DATA_BYTES_MAX: number = 2 ** 31;

/** To read as many bytes takes as long as to make use of their CRC, where that is known. */
const KNOWN_CRC_BYTES_MIN = 8192;

/** Bytes that are to lie side by side. */
class RecordData {
  readonly #pieces: Uint8Array[] = [];
  #bytes = 0;
  #crc = 0;

  /**
   * @param crc their CRC-32, if it is known
   * @returns how long they are
   */
  add(bytes: Uint8Array, crc?: number): number {
    this.#pieces.push(bytes);
    this.#bytes += bytes.length;
    const isOfUse = crc !== undefined && bytes.length >= KNOWN_CRC_BYTES_MIN;
    this.#crc = isOfUse ? crcOfBoth(this.#crc, crc, bytes.length) : crc32(bytes, this.#crc);
    return bytes.length;
  }

  addBatch({ count, flags, shared, records }: Batch): number {
    const head = encodeBatchHead(count, flags, shared, records);
    const crc = shared.length === 0 ? batchCrcOf(head) : undefined;
    return this.add(head) + this.add(records, crc);
  }

  /** Memory of its own, which can be handed over to another thread. */
  record(meta: object): CommitRecord {
    if (this.#bytes > DATA_BYTES_MAX) {
      throw new StorageFull(`a commit of ${this.#bytes} bytes is too large; the limit is ${DATA_BYTES_MAX}`);
    }
    const text = JSON.stringify(meta);
    const metaBytes = Buffer.byteLength(text);
    const record = Buffer.allocUnsafeSlow(RECORD_HEAD_BYTES + metaBytes + this.#bytes);
    record.write(text, RECORD_HEAD_BYTES);
    let end = RECORD_HEAD_BYTES + metaBytes;
    for (const piece of this.#pieces) {
      record.set(piece, end);
      end += piece.length;
    }
    return { bytes: record.buffer, metaBytes, dataCrc: this.#crc };
  }
}
