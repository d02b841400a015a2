import { BATCH_RECORDS_MAX } from '@simplemq/protocol';
import type { SteadyClock } from '../clock.ts';
import { messagesOf, type Span, type Waiting, without } from './entry.ts';
import { Lease, type LeaseHolder } from './lease.ts';
import {
  type Change,
  PendingEntries,
  type PendingSpan,
  WINDOW_SEQUENCES,
  windowOf,
} from './pending-entries.ts';
import { RedeliveryQueue } from './redelivery-queue.ts';
import { encodeWindowState, type UnackedSpan } from './window-state.ts';

/** What of a ledger has changed since it was last sealed, to be stored in one transaction. */
export interface LedgerChanges {
  readonly ackFloor: number;
  readonly readPosition: number;
  readonly ordinal: number;
  readonly windows: readonly { readonly window: number; readonly state: Buffer }[];
  readonly droppedWindows: readonly number[];
  /** What is done since, exactly. */
  readonly done: readonly Span[];
  /** Ranges in which nothing is pending any more, around what is done. */
  readonly gaps: readonly Span[];
}

/** Who may hold leases: a member of the group. */
export interface LedgerMember extends LeaseHolder {
  hold(lease: Lease): void;
}

export interface LeaseTimes {
  readonly deliveredAt: number;
  readonly deadline: number;
}

export interface LedgerOptions {
  /** The first message that was never delivered, and how many messages of the lane come before it. */
  readonly readPosition: number;
  readonly ordinal: number;
  readonly clock: SteadyClock;
  readonly storedWindows?: Iterable<number>;
}

/**
 * The books of a group for one lane: what was read, what is pending and with whom, what waits for its redelivery.
 *
 * Invariant: a message before the read position is either pending, once, or done (acked, or gone from the stream); one
 * at or past it is neither. What waits in the queue is pending, in exactly the state that the queue has; what waits in
 * no queue has an infinite due time.
 */
export class Ledger {
  readonly pending: PendingEntries = new PendingEntries();
  readonly queue: RedeliveryQueue = new RedeliveryQueue();
  readonly #clock: SteadyClock;
  #readPosition: number;
  #ordinal: number;
  /** Messages of the list that were never delivered, or handed back unbegun from their first delivery. */
  #undelivered = 0;
  #dirtyWindows = new Set<number>();
  #done: Span[] = [];
  readonly #storedWindows: Set<number>;
  #sealedFloor = 0;

  constructor({ readPosition, ordinal, clock, storedWindows = [] }: LedgerOptions) {
    this.#readPosition = readPosition;
    this.#ordinal = ordinal;
    this.#clock = clock;
    this.#storedWindows = new Set(storedWindows);
  }

  /** The first message that was never delivered. */
  get readPosition(): number {
    return this.#readPosition;
  }

  /** How many messages of the lane come before the read position. */
  get ordinal(): number {
    return this.#ordinal;
  }

  /** Every message up to it is done. */
  get ackFloor(): number {
    return (this.pending.lowest() ?? this.#readPosition) - 1;
  }

  /** Messages before the read position that were never delivered. */
  get undelivered(): number {
    return this.#undelivered;
  }

  /** Passes over what is not there: other lanes' messages, and those that retention has removed. */
  skipTo(sequence: number, ordinal: number): void {
    if (sequence < this.#readPosition) return;
    // Windows without a stored state count as pending, so those passed over while the floor stays must have one.
    if (this.pending.size > 0 && sequence > this.#readPosition) {
      this.#markDirty([{ first: this.#readPosition, last: sequence - 1 }]);
    }
    this.#readPosition = sequence;
    this.#ordinal = ordinal;
  }

  /** Leases the next `count` messages for the first time. */
  leaseFresh(member: LedgerMember, count: number, times: LeaseTimes): Lease {
    const { first, last } = this.#takeFresh(count);
    const lease = new Lease({ holder: member, books: this, attempt: 1, first, last, ...times });
    this.pending.append(first, last, lease);
    member.hold(lease);
    return lease;
  }

  /** Puts the next `count` messages into the list without delivering them; they wait in no queue. */
  parkFresh(count: number): Span {
    const span = this.#takeFresh(count);
    const state: Waiting = { kind: 'waiting', attempt: 1, dueAt: Number.POSITIVE_INFINITY, deliveredAt: 0 };
    this.pending.append(span.first, span.last, state);
    this.#undelivered += count;
    this.#markDirty([span]);
    return span;
  }

  /**
   * Begins with these of the messages before the read position; the others are done. Idle ones wait in no queue.
   */
  adopt(open: readonly Span[], isIdle: boolean): void {
    const [head] = open;
    if (head === undefined) return;
    // What was acked since the last commit is to come again with the rest.
    this.#done = open.reduce(without, this.#done);
    for (const { first, last } of open) this.restore({ first, last, nextAttempt: 1, dueAt: 0 }, isIdle);
    // Windows without a stored state count as pending.
    this.#markDirty([{ first: head.first, last: this.#readPosition - 1 }]);
  }

  /** The next `count` messages are done without having been delivered. */
  passFresh(count: number): Span {
    const span = this.#takeFresh(count);
    this.#settle([span]);
    return span;
  }

  /** Leases the first `count` messages of the range that is first in the queue. */
  leaseWaiting(member: LedgerMember, count: number, times: LeaseTimes): Lease {
    const { first, last, state } = this.queue.pop()!;
    const end = first + count - 1;
    if (end < last) this.queue.push({ first: end + 1, last, state });
    const lease = new Lease({
      holder: member,
      books: this,
      attempt: state.attempt,
      first,
      last: end,
      ...times,
    });
    if (isUndelivered(state)) this.#undelivered -= count;
    this.pending.change(first, end, { isRight: (current) => current === state, to: lease });
    member.hold(lease);
    this.#markDirty([{ first, last: end }]);
    return lease;
  }

  /** Strikes off the first `count` messages of the range that is first in the queue: they are done. */
  dropWaiting(count: number): Span {
    const { first, last, state } = this.queue.pop()!;
    const end = Math.min(last, first + count - 1);
    if (end < last) this.queue.push({ first: end + 1, last, state });
    this.pending.change(first, end, { isRight: (current) => current === state, to: undefined });
    if (isUndelivered(state)) this.#undelivered -= end - first + 1;
    this.#settle([{ first, last: end }]);
    return { first, last: end };
  }

  /** As dropWaiting, but they stay pending, in no queue. */
  idleWaiting(count: number): Span {
    const { first, last, state } = this.queue.pop()!;
    const end = Math.min(last, first + count - 1);
    if (end < last) this.queue.push({ first: end + 1, last, state });
    const idle: Waiting = { ...state, dueAt: Number.POSITIVE_INFINITY };
    this.pending.change(first, end, { isRight: (current) => current === state, to: idle });
    return { first, last: end };
  }

  /** Takes what the member holds of the range in that attempt out of the list. */
  ack(member: LedgerMember, range: Span, attempt: number): Change {
    const change = this.#changeHeld(member, range, attempt, undefined);
    this.#settle(change.changed);
    return change;
  }

  /** Whether the member holds all of the range in that attempt. */
  holds(member: LedgerMember, range: Span, attempt: number): Span[] {
    const held: Span[] = [];
    for (const { first, last, state } of this.pending.spansFrom(range.first)) {
      if (first > range.last) break;
      if (state.kind !== 'lease' || state.holder !== member || state.attempt !== attempt) continue;
      held.push({ first, last: Math.min(last, range.last) });
    }
    return held;
  }

  /** Puts what the member holds of the range in that attempt back, for a delivery as `waiting` says. */
  giveBack(member: LedgerMember, range: Span, attempt: number, waiting: Waiting): Change {
    const change = this.#changeHeld(member, range, attempt, waiting);
    if (isUndelivered(waiting)) this.#undelivered += messagesOf(change.changed);
    this.#enqueue(change.changed, waiting);
    return change;
  }

  /** Begins the leases of what the member holds of the range in that attempt anew. */
  extend(member: LedgerMember, range: Span, attempt: number, times: LeaseTimes): Change {
    const lease = new Lease({ holder: member, books: this, attempt, ...range, ...times });
    lease.live = 0;
    const change = this.#changeHeld(member, range, attempt, lease);
    lease.live = messagesOf(change.changed);
    if (lease.live > 0) member.hold(lease);
    return change;
  }

  /** Puts everything of a lease back; tells what that was. */
  endLease(lease: Lease, waiting: Waiting): readonly Span[] {
    const { changed } = this.pending.change(lease.first, lease.last, {
      isRight: (state) => state === lease,
      to: waiting,
    });
    lease.holder.leases.remove(lease);
    lease.holder.leases.live -= lease.live;
    lease.live = 0;
    this.#enqueue(changed, waiting);
    return changed;
  }

  /** Entries that wait in no queue go into it, in the attempt that they are in. */
  enqueueIdle(span: Span, dueAt: number): void {
    for (const { first, last, state } of this.#idleWithin(span)) {
      const waiting: Waiting = { ...state, dueAt };
      this.pending.change(first, last, { isRight: (current) => current === state, to: waiting });
      this.#enqueue([{ first, last }], waiting);
    }
  }

  #idleWithin(span: Span): readonly (Span & { readonly state: Waiting })[] {
    if (span.first === span.last) {
      const state = this.pending.find(span.first);
      return state !== undefined && isIdle(state) ? [{ ...span, state: state as Waiting }] : [];
    }
    const idle: { first: number; last: number; state: Waiting }[] = [];
    for (const { first, last, state } of this.pending.spansFrom(span.first)) {
      if (first > span.last) break;
      if (isIdle(state)) idle.push({ first, last: Math.min(last, span.last), state: state as Waiting });
    }
    return idle;
  }

  /** Takes entries that wait in no queue out of the list: they are done. Tells which of them were there. */
  settleIdle(span: Span): readonly Span[] {
    const { changed } = this.pending.change(span.first, span.last, {
      isRight: isIdle,
      to: undefined,
      onChange: (state, messages) => this.#left(state, messages),
    });
    this.#settle(changed);
    return changed;
  }

  /** As settleIdle, but tells how those waited that were there. */
  takeIdle(span: Span): readonly (Span & { readonly state: Waiting })[] {
    const idle = this.#idleWithin(span);
    this.settleIdle(span);
    return idle;
  }

  /** Entries that were taken out are pending again after all; with an infinite due time they wait in no queue. */
  revive(spans: readonly Span[], state: Waiting): void {
    for (const { first, last } of spans) this.pending.insert(first, last, state);
    this.#done = spans.reduce(without, this.#done);
    if (isUndelivered(state)) this.#undelivered += messagesOf(spans);
    this.#enqueue(spans, state);
  }

  /** Loads messages that were delivered before the broker started and are not done. */
  restore({ first, last, nextAttempt, dueAt }: UnackedSpan, isIdle: boolean): void {
    const monotonic = isIdle ? Number.POSITIVE_INFINITY : dueAt === 0 ? 0 : this.#clock.toMonotonic(dueAt);
    const deliveredAt = nextAttempt === 1 ? 0 : Date.now();
    const state: Waiting = { kind: 'waiting', attempt: nextAttempt, dueAt: monotonic, deliveredAt };
    this.pending.append(first, last, state);
    if (isUndelivered(state)) this.#undelivered += last - first + 1;
    if (!isIdle) this.queue.push({ first, last, state });
  }

  /** Everything before `sequence` is gone from the stream; `ordinal` is that of the first message that is not. */
  purge(sequence: number, ordinal: number): void {
    const { changed, queued } = this.#takeOut({ first: 1, last: sequence - 1 });
    this.queue.removeBefore(sequence, queued);
    for (const window of this.#storedWindows)
      if (window <= windowOf(sequence)) this.#dirtyWindows.add(window);
    this.#markDirty(changed);
    if (sequence > this.#readPosition) {
      this.#readPosition = sequence;
      this.#ordinal = Math.max(this.#ordinal, ordinal);
    }
  }

  /**
   * These messages are gone from the stream, and others before them are not.
   *
   * @returns those that were pending, as they were
   */
  strike(span: Span): readonly PendingSpan[] {
    const struck: PendingSpan[] = [];
    for (const { first, last, state } of this.pending.spansFrom(span.first)) {
      if (first > span.last) break;
      struck.push({ first, last: Math.min(last, span.last), state });
    }
    const { changed, queued } = this.#takeOut(span);
    if (queued > 0) this.queue.remove(span);
    this.#settle(changed);
    return struck;
  }

  /** Begins anew at `sequence`, whatever was pending or done. */
  reset(sequence: number, ordinal: number): void {
    for (const { first, last, state } of this.pending.spansFrom(1)) {
      if (state.kind === 'lease') this.#lessLive(state, last - first + 1);
    }
    this.pending.clear();
    this.queue.clear();
    this.#undelivered = 0;
    for (const window of this.#storedWindows) this.#dirtyWindows.add(window);
    this.#done = without(this.#done, { first: sequence, last: Number.POSITIVE_INFINITY });
    this.#readPosition = sequence;
    this.#ordinal = ordinal;
    this.#sealedFloor = 0;
  }

  /** Which of `first` to `last` is done. */
  doneWithin({ first, last }: Span): Span[] {
    return this.pending.gapsWithin(first, Math.min(last, this.#readPosition - 1));
  }

  /** What is to be stored now. What failed to be stored is to be marked again by `unseal`. */
  seal(): LedgerChanges {
    const floor = this.ackFloor;
    this.#markPassedWindows(floor);
    const windows: { window: number; state: Buffer }[] = [];
    const droppedWindows: number[] = [];
    for (const window of this.#dirtyWindows) {
      const end = (window + 1) * WINDOW_SEQUENCES - 1;
      // Past the read position nothing is done or pending: after a reset there may be something stored of it.
      if (end <= floor || window * WINDOW_SEQUENCES >= this.#readPosition) {
        if (this.#storedWindows.delete(window)) droppedWindows.push(window);
      } else {
        this.#storedWindows.add(window);
        windows.push({ window, state: this.#encodeWindow(window) });
      }
    }
    const done = this.#done;
    const gaps = this.#gapsAround(done);
    this.#dirtyWindows = new Set();
    this.#done = [];
    const { readPosition, ordinal } = this;
    return { ackFloor: floor, readPosition, ordinal, windows, droppedWindows, done, gaps };
  }

  unseal(changes: LedgerChanges): void {
    for (const { window } of changes.windows) this.#dirtyWindows.add(window);
    for (const window of changes.droppedWindows) {
      this.#storedWindows.add(window);
      this.#dirtyWindows.add(window);
    }
    this.#done = [...changes.done, ...this.#done];
  }

  /** Takes what is pending of the span out of the list, whatever it is in; of `queued` the queue is still to be told. */
  #takeOut(span: Span): { changed: readonly Span[]; queued: number } {
    let queued = 0;
    const { changed } = this.pending.change(span.first, span.last, {
      isRight: () => true,
      to: undefined,
      onChange: (state, messages) => {
        this.#left(state, messages);
        if (state.kind === 'waiting' && !isIdle(state)) queued += messages;
      },
    });
    return { changed, queued };
  }

  #encodeWindow(window: number): Buffer {
    return encodeWindowState(window, this.pending.spansOf(window), this.#readPosition, this.#clock);
  }

  #takeFresh(count: number): Span {
    const first = this.#readPosition;
    this.#readPosition += count;
    this.#ordinal += count;
    return { first, last: first + count - 1 };
  }

  #changeHeld(member: LedgerMember, range: Span, attempt: number, to: Lease | Waiting | undefined): Change {
    return this.pending.change(range.first, range.last, {
      isRight: (state) => state.kind === 'lease' && state.holder === member && state.attempt === attempt,
      to,
      onChange: (state, messages) => this.#lessLive(state as Lease, messages),
    });
  }

  /** Messages that were in this state left the list. */
  #left(state: Lease | Waiting, messages: number): void {
    if (state.kind === 'lease') this.#lessLive(state, messages);
    else if (isUndelivered(state)) this.#undelivered -= messages;
  }

  #lessLive(lease: Lease, messages: number): void {
    lease.live -= messages;
    lease.holder.leases.live -= messages;
    if (lease.live === 0) lease.holder.leases.remove(lease);
  }

  #enqueue(spans: readonly Span[], state: Waiting): void {
    if (Number.isFinite(state.dueAt)) {
      for (const { first, last } of spans) this.queue.push({ first, last, state });
    }
    this.#markDirty(spans);
  }

  #settle(spans: readonly Span[]): void {
    this.#markDirty(spans);
    for (const span of spans) {
      const before = this.#done[this.#done.length - 1];
      if (before !== undefined && before.last + 1 === span.first) {
        this.#done[this.#done.length - 1] = { first: before.first, last: span.last };
      } else this.#done.push(span);
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

  /** The gaps in which what is done lies; no batch is longer than their reach. */
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

function isUndelivered({ deliveredAt }: Waiting): boolean {
  return deliveredAt === 0;
}

function isIdle(state: Lease | Waiting): boolean {
  return state.kind === 'waiting' && state.dueAt === Number.POSITIVE_INFINITY;
}
