import { BATCH_RECORDS_MAX } from '@simplemq/protocol';
import type { Span, Waiting } from './entry.ts';
import { Lease } from './lease.ts';
import type { Membership } from './membership.ts';
import { type Change, PendingEntries, WINDOW_SEQUENCES, windowOf } from './pending-entries.ts';
import { RedeliveryQueue } from './redelivery-queue.ts';
import { encodeWindowState, type UnackedSpan } from './window-state.ts';

/** What of a ledger has changed since it was last sealed, to be stored in one transaction. */
export interface LedgerChanges {
  readonly ackFloor: number;
  readonly readPosition: number;
  readonly windows: readonly { readonly window: number; readonly state: Buffer }[];
  readonly droppedWindows: readonly number[];
  /** Ranges in which nothing is pending any more, around what was acked. */
  readonly acked: readonly Span[];
}

/**
 * The books of a group: what was read, what is pending and with whom, what waits for its redelivery.
 *
 * Invariant: a message before the read position is either pending, once, or done (acked, or gone from the stream); one
 * at or past it is neither. What waits in the queue is pending, in exactly the state that the queue has.
 */
export class Ledger {
  readonly pending: PendingEntries = new PendingEntries();
  readonly queue: RedeliveryQueue = new RedeliveryQueue();
  #readPosition: number;
  #dirtyWindows = new Set<number>();
  #acked: Span[] = [];
  readonly #storedWindows: Set<number>;
  #sealedFloor = 0;

  constructor(readPosition: number, storedWindows: Iterable<number> = []) {
    this.#readPosition = readPosition;
    this.#storedWindows = new Set(storedWindows);
  }

  /** The first message that was never delivered. */
  get readPosition(): number {
    return this.#readPosition;
  }

  /** Every message up to it is done. */
  get ackFloor(): number {
    return (this.pending.lowest() ?? this.#readPosition) - 1;
  }

  /** Passes over messages that do not exist any more. */
  skipTo(sequence: number): void {
    this.#readPosition = Math.max(this.#readPosition, sequence);
  }

  /** Leases the next `count` messages for the first time. */
  leaseFresh(membership: Membership, count: number, times: LeaseTimes): Lease {
    const first = this.#readPosition;
    const last = first + count - 1;
    const lease = new Lease({ holder: membership, attempt: 1, first, last, ...times });
    this.pending.append(first, last, lease);
    this.#readPosition = last + 1;
    membership.hold(lease);
    return lease;
  }

  /** Leases the first `count` messages of the range that is first in the queue. */
  leaseWaiting(membership: Membership, count: number, times: LeaseTimes): Lease {
    const { first, last, state } = this.queue.pop()!;
    const end = first + count - 1;
    if (end < last) this.queue.push({ first: end + 1, last, state });
    const lease = new Lease({ holder: membership, attempt: state.attempt, first, last: end, ...times });
    this.pending.change(first, end, { isRight: (current) => current === state, to: lease });
    membership.hold(lease);
    this.#markDirty([{ first, last: end }]);
    return lease;
  }

  /** Strikes off messages that the queue has and the stream has not. */
  dropWaiting(count: number): Span {
    const { first, last, state } = this.queue.pop()!;
    const end = Math.min(last, first + count - 1);
    if (end < last) this.queue.push({ first: end + 1, last, state });
    this.pending.change(first, end, { isRight: (current) => current === state, to: undefined });
    this.#done([{ first, last: end }]);
    return { first, last: end };
  }

  /** Takes what the member holds of the range in that attempt out of the list. */
  ack(membership: Membership, range: Span, attempt: number): Change {
    const change = this.#changeHeld(membership, range, attempt, undefined);
    this.#done(change.changed);
    return change;
  }

  /** Puts what the member holds of the range in that attempt back, for a delivery in attempt `next`. */
  giveBack(membership: Membership, range: Span, attempt: number, waiting: Waiting): Change {
    const change = this.#changeHeld(membership, range, attempt, waiting);
    this.#enqueue(change.changed, waiting);
    return change;
  }

  /** Begins the leases of what the member holds of the range in that attempt anew. */
  extend(membership: Membership, range: Span, attempt: number, times: LeaseTimes): Change {
    const lease = new Lease({ holder: membership, attempt, ...range, ...times });
    lease.live = 0;
    const change = this.#changeHeld(membership, range, attempt, lease);
    for (const { first, last } of change.changed) lease.live += last - first + 1;
    if (lease.live > 0) membership.hold(lease);
    return change;
  }

  /** Puts everything of a lease back; tells how many messages that were. */
  endLease(lease: Lease, waiting: Waiting): number {
    const { changed } = this.pending.change(lease.first, lease.last, {
      isRight: (state) => state === lease,
      to: waiting,
    });
    lease.holder.leases.remove(lease);
    lease.live = 0;
    this.#enqueue(changed, waiting);
    return changed.reduce((messages, span) => messages + span.last - span.first + 1, 0);
  }

  /** Loads a message that was delivered before the broker started and is not acked. */
  restore({ first, last, nextAttempt }: UnackedSpan): void {
    const state: Waiting = { kind: 'waiting', attempt: nextAttempt, dueAt: 0, deliveredAt: Date.now() };
    this.pending.append(first, last, state);
    this.queue.push({ first, last, state });
  }

  /** Everything before `sequence` is gone from the stream. */
  purge(sequence: number): void {
    for (const { first, last, state } of this.pending.spansFrom(1)) {
      if (state.kind === 'lease') this.#lessLive(state, last - first + 1);
    }
    for (const window of this.#storedWindows) this.#dirtyWindows.add(window);
    this.pending.clear();
    this.queue.clear();
    this.skipTo(sequence);
  }

  /** What is to be stored now. What failed to be stored is to be marked again by `unseal`. */
  seal(): LedgerChanges {
    const floor = this.ackFloor;
    this.#markPassedWindows(floor);
    const windows: { window: number; state: Buffer }[] = [];
    const droppedWindows: number[] = [];
    for (const window of this.#dirtyWindows) {
      const end = (window + 1) * WINDOW_SEQUENCES - 1;
      if (end <= floor) {
        if (this.#storedWindows.delete(window)) droppedWindows.push(window);
      } else {
        this.#storedWindows.add(window);
        windows.push({
          window,
          state: encodeWindowState(window, this.pending.spansOf(window), this.#readPosition),
        });
      }
    }
    const acked = this.#gapsAround(this.#acked);
    this.#dirtyWindows = new Set();
    this.#acked = [];
    return { ackFloor: floor, readPosition: this.#readPosition, windows, droppedWindows, acked };
  }

  unseal(changes: LedgerChanges): void {
    for (const { window } of changes.windows) this.#dirtyWindows.add(window);
    for (const window of changes.droppedWindows) {
      this.#storedWindows.add(window);
      this.#dirtyWindows.add(window);
    }
    this.#acked.unshift(...changes.acked);
  }

  #changeHeld(membership: Membership, range: Span, attempt: number, to: Lease | Waiting | undefined): Change {
    return this.pending.change(range.first, range.last, {
      isRight: (state) => state.kind === 'lease' && state.holder === membership && state.attempt === attempt,
      to,
      onChange: (state, messages) => this.#lessLive(state as Lease, messages),
    });
  }

  #lessLive(lease: Lease, messages: number): void {
    lease.live -= messages;
    if (lease.live === 0) lease.holder.leases.remove(lease);
  }

  #enqueue(spans: readonly Span[], state: Waiting): void {
    for (const { first, last } of spans) this.queue.push({ first, last, state });
    this.#markDirty(spans);
  }

  #done(spans: readonly Span[]): void {
    this.#markDirty(spans);
    for (const span of spans) {
      const before = this.#acked[this.#acked.length - 1];
      if (before !== undefined && before.last + 1 === span.first) {
        this.#acked[this.#acked.length - 1] = { first: before.first, last: span.last };
      } else this.#acked.push(span);
    }
  }

  #markDirty(spans: readonly Span[]): void {
    for (const { first, last } of spans) {
      for (let window = windowOf(first); window <= windowOf(last); window++) this.#dirtyWindows.add(window);
    }
  }

  /** Windows that the floor has passed since the last seal are looked at again, to drop what is stored of them. */
  #markPassedWindows(floor: number): void {
    if (this.#storedWindows.size > 0) {
      for (let window = windowOf(this.#sealedFloor); window <= windowOf(floor); window++) {
        if (this.#storedWindows.has(window)) this.#dirtyWindows.add(window);
      }
    }
    this.#sealedFloor = floor;
  }

  /** The gaps in which the acked spans lie; no batch is longer than their reach. */
  #gapsAround(spans: readonly Span[]): Span[] {
    const gaps: { first: number; last: number; isWhole: boolean }[] = [];
    for (const { first, last } of spans) {
      const before = gaps[gaps.length - 1];
      const isInside = before !== undefined && before.first <= first && last <= before.last;
      if (isInside && before.isWhole) continue;
      const gap = this.pending.gapAround(first, last, BATCH_RECORDS_MAX);
      // A gap that ends with the reach may go on: a batch that begins in it is found from a span further on.
      const isWhole = gap.last < last + BATCH_RECORDS_MAX;
      const end = Math.min(gap.last, this.#readPosition - 1);
      if (isInside) Object.assign(before, { last: Math.max(before.last, end), isWhole });
      else gaps.push({ first: gap.first, last: end, isWhole });
    }
    return gaps.map(({ first, last }) => ({ first, last }));
  }
}

export interface LeaseTimes {
  readonly deliveredAt: number;
  readonly deadline: number;
}
