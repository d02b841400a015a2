import type { RecordBatch } from '@simplemq/protocol';
import { BATCH_PLAIN, BATCH_RECORDS_MAX } from '@simplemq/protocol';
import type { PublishReceipt } from '../engine/engine.ts';
import type { Group } from '../group/group.ts';
import { Batch } from '../stream/batch.ts';
import type { Stream } from '../stream/stream.ts';

/** Batches up to this size are joined with their neighbours into one row. */
const JOIN_BYTES_MAX = 32 * 1024;
/** A view of more memory than this many times its size is copied, so as not to keep the rest of it. */
const VIEW_WASTE_MAX = 1.5;

/** Somebody who waits for the transaction. */
export interface Settlement {
  resolve(): void;
  reject(error: Error): void;
}

interface PendingBatch {
  readonly stream: Stream;
  readonly first: number;
  readonly time: number;
  readonly flags: number;
  readonly shared: Buffer;
  readonly pieces: Buffer[];
  count: number;
  bytes: number;
}

/**
 * All that arrives while the last commit is under way, to be committed as one.
 *
 * Invariant: the batches of a stream are in the order of their sequence numbers, without holes among them.
 */
export class Transaction {
  readonly createdStreams: Stream[] = [];
  readonly deletedStreams: Stream[] = [];
  /** Purged up to and without this sequence number. */
  readonly purged: Map<Stream, number> = new Map();
  readonly groups: Set<Group> = new Set();
  /** Streams whose last numbers were given to messages that were refused: they are not given again. */
  readonly skipped: Set<Stream> = new Set();
  readonly publishes: (Settlement & { readonly receipt: PublishReceipt })[] = [];
  /** Who waits for anything but a publish. */
  readonly settlements: Settlement[] = [];
  readonly #batches: PendingBatch[] = [];
  readonly #open = new Map<Stream, PendingBatch>();

  /** Gives the batch its place on the stream. */
  append(stream: Stream, { count, flags, shared, records }: RecordBatch, time: number): number {
    const first = stream.nextSequence;
    stream.nextSequence += count;
    const open = this.#open.get(stream);
    const isJoinable = flags === BATCH_PLAIN && shared.length === 0 && records.length <= JOIN_BYTES_MAX;
    if (isJoinable && open !== undefined && canTake(open, count)) {
      open.pieces.push(records);
      open.count += count;
      open.bytes += records.length;
      return first;
    }
    const batch = { stream, first, time, flags, shared, pieces: [records], count, bytes: records.length };
    this.#batches.push(batch);
    if (isJoinable) this.#open.set(stream, batch);
    else this.#open.delete(stream);
    return first;
  }

  /** The batches, each in memory of its own; there are none afterwards. */
  takeBatches(): { stream: Stream; batch: Batch }[] {
    this.#open.clear();
    return this.#batches.splice(0).map(({ stream, first, time, flags, shared, pieces, count, bytes }) => {
      const records = pieces.length === 1 ? ownMemory(pieces[0]!) : Buffer.concat(pieces, bytes);
      return { stream, batch: new Batch({ first, count, time, flags, shared: ownMemory(shared), records }) };
    });
  }
}

function canTake(batch: PendingBatch, count: number): boolean {
  return batch.bytes < JOIN_BYTES_MAX && batch.count + count <= BATCH_RECORDS_MAX;
}

function ownMemory(view: Buffer): Buffer {
  if (view.length === 0 || view.buffer.byteLength <= view.length * VIEW_WASTE_MAX) return view;
  const own = Buffer.allocUnsafeSlow(view.length);
  own.set(view);
  return own;
}
