import { type Span, unionOf } from '../group/entry.ts';
import type { StoredLane } from '../store/store.ts';
import type { StreamLog } from './stream-log.ts';

/**
 * The lanes of a stream, by the number that they are stored under, and the priorities of the wire (0 low, 1 normal,
 * 2 high, 3 critical). Lane 0 is that of normal messages: it is always there, the others come with their first message.
 */
export const LANES_MAX = 4;
/** What is read at a time to find where a lane has messages, in bytes. */
const SPANS_READ_BYTES: number = 1024 * 1024;
const LANE_OF_PRIORITY: readonly number[] = [1, 0, 2, 3];
const PRIORITY_OF_LANE: readonly number[] = [1, 0, 2, 3];

export function laneOf(priority: number | undefined): number {
  return priority === undefined ? 0 : LANE_OF_PRIORITY[priority]!;
}

export function priorityOf(lane: number): number {
  return PRIORITY_OF_LANE[lane]!;
}

/** Compares lanes: the more urgent comes first. */
export function byUrgency(a: { readonly number: number }, b: { readonly number: number }): number {
  return priorityOf(b.number) - priorityOf(a.number);
}

/**
 * The messages of one priority of a stream. Sequence numbers are the stream's, so those of a lane have gaps; ordinals
 * count its messages without gaps.
 *
 * Invariant: two messages of a lane with neighbouring ordinals have no third between them, in memory or on disk.
 */
export class Lane {
  readonly number: number;
  readonly log: StreamLog;
  /** The ordinal that the next message gets. */
  nextOrdinal: number;
  /** As far as it is durable: the ordinal of the next message, and the sequence number after the last. */
  durableOrdinal: number;
  durableEnd: number;

  constructor(number: number, log: StreamLog, { ordinal, end }: StoredLane) {
    this.number = number;
    this.log = log;
    this.nextOrdinal = ordinal;
    this.durableOrdinal = ordinal;
    this.durableEnd = end;
  }

  /**
   * The ordinal of the first message at or after `sequence`, the sequence number of which is told by `first`.
   * Undefined when what is in memory does not tell.
   */
  placeInMemory(sequence: number): { first: number; ordinal: number } | undefined {
    if (sequence >= this.durableEnd) return { first: this.durableEnd, ordinal: this.durableOrdinal };
    const batch = this.log.find(sequence);
    if (batch !== undefined) return { first: sequence, ordinal: batch.ordinal + sequence - batch.first };
    if (!this.log.isPinned) return undefined;
    const next = this.log.ceiling(sequence);
    return next === undefined
      ? { first: this.durableEnd, ordinal: this.durableOrdinal }
      : { first: next.first, ordinal: next.ordinal };
  }

  /** As placeInMemory, from the store where memory does not tell. */
  async place(sequence: number): Promise<{ first: number; ordinal: number }> {
    const known = this.placeInMemory(sequence);
    if (known !== undefined) return known;
    const batch = await this.log.peek(sequence);
    if (batch === undefined) return { first: this.durableEnd, ordinal: this.durableOrdinal };
    const first = Math.max(sequence, batch.first);
    return { first, ordinal: batch.ordinal + first - batch.first };
  }

  /** Where it has messages from `from` up to `to` (not included); those between are of other lanes, or gone. */
  async spans(from: number, to: number): Promise<readonly Span[]> {
    const spans: Span[] = [];
    for (let at = from; at < to; ) {
      const run = await this.log.read(at, SPANS_READ_BYTES);
      if (run.length === 0) break;
      for (const { first, last } of run) {
        if (first < to) spans.push({ first: Math.max(from, first), last: Math.min(to - 1, last) });
      }
      at = run[run.length - 1]!.last + 1;
    }
    return unionOf(spans);
  }

  toStored(batches: { ordinal: number; end: number } | undefined): StoredLane {
    return batches ?? { ordinal: this.durableOrdinal, end: this.durableEnd };
  }
}
