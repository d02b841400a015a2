import { BATCH_RECORDS_MAX, type RecordBatch } from '@simplemq/protocol';
import type { DedupIds } from '../dedup/dedup-ids.ts';
import type { Group } from '../group/group.ts';
import { append } from '../lists.ts';
import type { StoredDedup, StoredDelayed, StoredFailure, StoredSchedule } from '../store/store.ts';
import { Batch } from '../stream/batch.ts';
import type { Lane } from '../stream/lane.ts';
import type { Stream } from '../stream/stream.ts';
import type { Removal } from '../stream/work-retention.ts';

/** Batches up to this size are joined with their neighbours into one row: two of them fit into the smallest frame. */
const JOIN_BYTES_MAX = 30 * 1024;
/** And no later ones: those that are joined have the time of the first, by which they expire. */
const JOIN_MS_MAX = 10;
/** A view of more memory than this many times its size is copied, so as not to keep the rest of it. */
const VIEW_WASTE_MAX = 1.5;

/** Somebody who waits for the transaction. */
export interface Settlement {
  resolve(): void;
  reject(error: Error): void;
}

/** Who waits for something that only moves: the store has it already, in another place. */
export interface Move extends Settlement {
  /** Adds it to the open transaction, with what takes that back. */
  readonly place: () => void;
  /** It was refused before, beside others. */
  readonly isAgain: boolean;
}

/** A batch with its place. */
export interface PlacedBatch {
  readonly stream: Stream;
  readonly lane: Lane;
  readonly batch: Batch;
}

interface OpenBatch {
  readonly stream: Stream;
  readonly lane: Lane;
  readonly first: number;
  ordinal: number;
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
 * Invariant: the batches of a lane are in the order of their sequence numbers, and those of a stream have all the
 * numbers that were given out.
 */
export class Transaction {
  readonly createdStreams: Stream[] = [];
  readonly deletedStreams: Stream[] = [];
  readonly updatedStreams: Set<Stream> = new Set();
  readonly groups: Set<Group> = new Set();
  readonly deletedGroups: Group[] = [];
  /** Streams whose last numbers were given to messages that were refused: they are not given again. */
  readonly skipped: Set<Stream> = new Set();
  /** Streams whose first sequence number or count of messages changed. */
  readonly touched: Set<Stream> = new Set();
  /** Streams that go through all that their groups are done with, as that is when this is sealed. */
  readonly swept: Set<Stream> = new Set();
  /** Removed for another reason than that all groups are done. */
  readonly removals: Removal[] = [];
  readonly failures: StoredFailure[] = [];
  /** Groups that begin anew, and so without a history. */
  readonly forgottenFailures: Set<Group> = new Set();
  readonly delayed: StoredDelayed[] = [];
  readonly removedDelayed: number[] = [];
  /** Streams with message ids that go with this transaction, and what was sealed of them. */
  readonly dedupStreams: Map<Stream, DedupIds> = new Map();
  readonly dedup: StoredDedup[] = [];
  readonly droppedDedup: { readonly streamId: number; readonly before: number }[] = [];
  readonly schedules: Map<string, StoredSchedule> = new Map();
  readonly deletedSchedules: Set<string> = new Set();
  readonly clockOffsetMs: number[] = [];
  /** Who waits for something that needs room; they are refused when there is none. */
  readonly publishes: Settlement[] = [];
  /** Who waits for something that needs no room of its own; see Committer.moved. */
  readonly moves: Move[] = [];
  /** Bytes of messages that it brings to the disk, and how many of them only move. */
  bytes = 0;
  movedBytes = 0;
  /** Who waits for anything else. */
  readonly settlements: Settlement[] = [];
  /** Undo what was changed in memory for the sake of something that is refused for want of room, in reverse. */
  readonly undo: (() => void)[] = [];
  /** Groups that have messages back when that is undone. */
  readonly revocable: Set<Group> = new Set();
  readonly #batches: OpenBatch[] = [];
  readonly #open = new Map<Lane, OpenBatch>();

  /** Gives the batch its place on the stream. */
  append(stream: Stream, lane: Lane, { count, flags, shared, records }: RecordBatch, time: number): number {
    const first = stream.nextSequence;
    const ordinal = lane.nextOrdinal;
    stream.nextSequence += count;
    lane.nextOrdinal += count;
    stream.reservedMessages += count;
    stream.reservedBytes += records.length + shared.length;
    if (stream.isDurable) this.bytes += records.length + shared.length;
    const open = this.#open.get(lane);
    const isJoinable = shared.length === 0 && records.length <= JOIN_BYTES_MAX;
    if (isJoinable && open !== undefined && canTake(open, first, count, flags, time)) {
      open.pieces.push(records);
      open.count += count;
      open.bytes += records.length;
      return first;
    }
    const bytes = records.length;
    const batch = { stream, lane, first, ordinal, time, flags, shared, pieces: [records], count, bytes };
    this.#batches.push(batch);
    if (isJoinable) this.#open.set(lane, batch);
    else this.#open.delete(lane);
    return first;
  }

  /**
   * The message ids that go with it; those that come later go with the next.
   *
   * @param time now, by the steady clock
   */
  sealDedup(time: number): void {
    for (const [stream, known] of this.dedupStreams) {
      const { packed, forget } = known.seal();
      this.undo.push(forget);
      if (!stream.isDurable || stream.isDeleted) continue;
      for (const ids of packed) this.dedup.push({ streamId: stream.id, time, ids });
    }
    this.dedupStreams.clear();
  }

  /** What was removed goes with this one in its place, with the groups that were, and the books of those it was taken out of. */
  takeRemovals(from: Transaction): void {
    const streams = new Set([...from.removals.map(({ stream }) => stream), ...from.swept]);
    // What is not on the disk yet stays with what brings it there.
    for (const stream of from.createdStreams) streams.delete(stream);
    append(this.removals, from.removals.splice(0));
    append(this.deletedGroups, from.deletedGroups.splice(0));
    for (const stream of streams) {
      this.touched.add(stream);
      if (from.swept.delete(stream)) this.swept.add(stream);
    }
    for (const group of from.groups) if (streams.has(group.stream as Stream)) this.groups.add(group);
  }

  /** So many messages of these lanes, all before those that are in here, are not going to be there. */
  moveUp(refused: ReadonlyMap<Lane, number>): void {
    for (const batch of this.#batches) batch.ordinal -= refused.get(batch.lane) ?? 0;
  }

  /** The next batch of the lane gets a row of its own. */
  separate(lane: Lane): void {
    this.#open.delete(lane);
  }

  /** Undoes what was changed for its sake. */
  takeBack(): void {
    for (const undo of this.undo.splice(0).reverse()) undo();
    this.revocable.clear();
  }

  /** The batches, each in memory of its own; there are none afterwards. */
  takeBatches(): PlacedBatch[] {
    this.#open.clear();
    return this.#batches.splice(0).map(({ stream, lane, pieces, bytes, shared, ...fields }) => {
      const records = pieces.length === 1 ? ownMemory(pieces[0]!) : Buffer.concat(pieces, bytes);
      const batch = new Batch({ ...fields, shared: ownMemory(shared), records });
      return { stream, lane, batch };
    });
  }
}

function canTake(batch: OpenBatch, first: number, count: number, flags: number, time: number): boolean {
  if (batch.flags !== flags || batch.first + batch.count !== first) return false;
  if (time - batch.time > JOIN_MS_MAX) return false;
  return batch.bytes < JOIN_BYTES_MAX && batch.count + count <= BATCH_RECORDS_MAX;
}

/** A view that may be kept for long. */
export function ownMemory(view: Buffer): Buffer {
  if (view.length === 0 || view.buffer.byteLength <= view.length * VIEW_WASTE_MAX) return view;
  const own = Buffer.allocUnsafeSlow(view.length);
  own.set(view);
  return own;
}
