import { monotonicMs } from '../clock.ts';
import type { Batch } from '../stream/batch.ts';
import type { StreamLog } from '../stream/stream-log.ts';
import type { Span, Waiting } from './entry.ts';
import type { LeaseTimes, Ledger } from './ledger.ts';
import { type GroupFollower, Membership } from './membership.ts';
import type { Change } from './pending-entries.ts';

/** The most of one DELIVER, so that one follower's frame does not hold up the others on its connection. */
const RUN_BYTES_MAX = 1024 * 1024;
/** setTimeout takes no more. */
const TIMEOUT_MS_MAX = 2 ** 31 - 1;

/** What a group needs of its stream. */
export interface GroupStream {
  readonly name: string;
  readonly log: StreamLog;
  /** The sequence number after the last that may be delivered. */
  readonly durableNext: number;
}

/** Why messages are delivered again. */
export type RedeliveryCause = 'nack' | 'expired' | 'disconnected';

export interface GroupEvents {
  /** The books have changed; `urgent` when somebody waits for them to be stored. */
  changed(group: Group, urgent: boolean): void;
  /** Messages were acked for good. */
  done(group: Group, messages: number): void;
  redelivered(group: Group, messages: number, cause: RedeliveryCause): void;
  /** The store could not be read. */
  failed(error: unknown): void;
}

export interface GroupOptions {
  readonly id: number;
  readonly name: string;
  readonly createdAt: number;
  readonly stream: GroupStream;
  readonly ledger: Ledger;
  readonly events: GroupEvents;
}

/** The followers of one group and what they do with its stream: the dispatcher. */
export class Group {
  readonly id: number;
  readonly name: string;
  readonly createdAt: number;
  readonly stream: GroupStream;
  readonly ledger: Ledger;
  readonly #events: GroupEvents;
  readonly #members: Membership[] = [];
  // Where the next round of cutting begins, so that nobody is always first.
  #turn = 0;
  #redelivered = 0;
  #loading = false;
  // The last message of the run that was read last, and the middle of that run: passing it starts the next read.
  #loadedThrough = 0;
  #loadNextFrom = 0;
  #dispatching = false;
  #dueTimer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: GroupOptions) {
    this.id = options.id;
    this.name = options.name;
    this.createdAt = options.createdAt;
    this.stream = options.stream;
    this.ledger = options.ledger;
    this.#events = options.events;
  }

  get isLoading(): boolean {
    return this.#loading;
  }

  get followers(): number {
    return this.#members.length;
  }

  /** Deliveries beyond a message's first, since the broker started. */
  get redelivered(): number {
    return this.#redelivered;
  }

  /** Messages not delivered yet. */
  get lag(): number {
    return Math.max(0, this.stream.durableNext - this.ledger.readPosition);
  }

  join(follower: GroupFollower): Membership {
    const membership = new Membership(follower, (member) => this.#expire(member));
    this.#members.push(membership);
    return membership;
  }

  /** What the member holds goes back at once, one attempt further. */
  leave(membership: Membership): void {
    const index = this.#members.indexOf(membership);
    if (index < 0) return;
    this.#members.splice(index, 1);
    membership.stop();
    this.#returnLeases(membership, Number.POSITIVE_INFINITY, 'disconnected');
    this.dispatch();
  }

  ack(membership: Membership, range: Span, attempt: number): Change {
    const change = this.ledger.ack(membership, range, attempt);
    if (change.changed.length > 0) {
      this.#events.done(this, messagesOf(change.changed));
      this.#events.changed(this, true);
    }
    return change;
  }

  /** The failed messages come back one attempt further, after `delayMs`. */
  nack(membership: Membership, range: Span, attempt: number, delayMs: number): Change {
    const dueAt = delayMs > 0 ? monotonicMs() + delayMs : 0;
    const waiting = { kind: 'waiting', attempt: attempt + 1, dueAt, deliveredAt: Date.now() } as const;
    const change = this.ledger.giveBack(membership, range, attempt, waiting);
    if (change.changed.length > 0) {
      this.#events.redelivered(this, messagesOf(change.changed), 'nack');
      this.#events.changed(this, true);
    }
    return change;
  }

  /** Messages that were not begun come back in the same attempt. */
  release(membership: Membership, range: Span, attempt: number): Change {
    const waiting = { kind: 'waiting', attempt, dueAt: 0, deliveredAt: Date.now() } as const;
    const change = this.ledger.giveBack(membership, range, attempt, waiting);
    if (change.changed.length > 0) this.#events.changed(this, false);
    return change;
  }

  extend(membership: Membership, range: Span, attempt: number): Change {
    return this.ledger.extend(membership, range, attempt, this.#leaseTimes(membership));
  }

  /** Hands out what there is to those who have credit, until one of the two is used up. */
  dispatch(): void {
    if (this.#dispatching || this.#closed) return;
    this.#dispatching = true;
    try {
      while (this.#dispatchRound()) {}
      this.#armDueTimer();
    } finally {
      this.#dispatching = false;
    }
  }

  /** @returns whether another round may bring something */
  #dispatchRound(): boolean {
    const isDue = this.ledger.queue.peek(monotonicMs()) !== undefined;
    const available = this.lag + (isDue ? this.ledger.queue.messages : 0);
    if (available === 0) return false;
    const ready = this.#members.filter((member) => member.follower.capacity > 0);
    if (ready.length < this.#members.length) this.#askToBeTold();
    if (ready.length === 0) return false;
    // Fair: each takes a share of what is there, not all of it.
    const share = Math.ceil(available / ready.length);
    let delivered = 0;
    this.#turn = (this.#turn + 1) % ready.length;
    for (let i = 0; i < ready.length; i++) {
      delivered += this.#deliverTo(ready[(this.#turn + i) % ready.length]!, share);
    }
    return delivered > 0;
  }

  #askToBeTold(): void {
    for (const { follower } of this.#members) if (follower.capacity === 0) follower.waitFor(this);
  }

  /** @returns how many messages the member got; fewer than `share` when it or the data gave out */
  #deliverTo(member: Membership, share: number): number {
    let left = share;
    while (left > 0) {
      const capacity = Math.min(left, member.follower.capacity);
      if (capacity === 0) break;
      const count = this.#deliverWaiting(member, capacity) || this.#deliverFresh(member, capacity);
      if (count === 0) break;
      left -= count;
    }
    return share - left;
  }

  #deliverWaiting(member: Membership, countMax: number): number {
    const range = this.ledger.queue.peek(monotonicMs());
    if (range === undefined) return 0;
    const batch = this.stream.log.find(range.first);
    if (batch === undefined) {
      this.#load(range.first);
      return 0;
    }
    const count = Math.min(countMax, range.last - range.first + 1);
    const cut = batch.cut(range.first, count, this.#bytesMax(member));
    const lease = this.ledger.leaseWaiting(member, cut.count, this.#leaseTimes(member));
    if (lease.attempt > 1) this.#redelivered += cut.count;
    this.#send(member, batch, range.first, lease.attempt, cut);
    return cut.count;
  }

  #deliverFresh(member: Membership, countMax: number): number {
    const batch = this.#nextBatch();
    if (batch === undefined) return 0;
    const first = this.ledger.readPosition;
    const cut = batch.cut(first, countMax, this.#bytesMax(member));
    this.ledger.leaseFresh(member, cut.count, this.#leaseTimes(member));
    this.#send(member, batch, first, 1, cut);
    this.#readAhead();
    return cut.count;
  }

  #send(
    { follower }: Membership,
    batch: Batch,
    first: number,
    attempt: number,
    cut: { count: number; records: Buffer },
  ): void {
    this.#events.changed(this, false);
    const { name } = this.stream;
    const { time, flags, shared } = batch;
    follower.deliver({ stream: name, first, attempt, time, flags, shared, ...cut });
  }

  /** The batch at the read position, once it is in memory; passes over holes that retention or a purge has left. */
  #nextBatch(): Batch | undefined {
    const { log, durableNext } = this.stream;
    const position = this.ledger.readPosition;
    if (position >= durableNext) return undefined;
    const batch = log.find(position);
    if (batch !== undefined) return batch;
    if (!log.isPinned) {
      this.#load(position);
      return undefined;
    }
    const next = log.ceiling(position);
    this.ledger.skipTo(next?.first ?? durableNext);
    return next;
  }

  #readAhead(): void {
    const { log, durableNext } = this.stream;
    const next = this.#loadedThrough + 1;
    if (log.isPinned || this.ledger.readPosition < this.#loadNextFrom || this.ledger.readPosition > next)
      return;
    if (next < durableNext && log.find(next) === undefined) this.#load(next);
  }

  #load(from: number): void {
    if (this.#loading) return;
    this.#loading = true;
    const { durableNext } = this.stream;
    this.stream.log.load(from).then(
      (run) => {
        this.#loading = false;
        if (this.#closed) return;
        this.#loaded(from, run, durableNext);
        this.dispatch();
        for (const { follower } of [...this.#members]) follower.loaded(this);
      },
      (error) => this.#events.failed(error),
    );
  }

  #loaded(from: number, run: readonly Batch[], durableNext: number): void {
    const first = run[0]?.first ?? durableNext;
    // Nothing is stored between `from` and `first`: it was removed, or its commit failed.
    if (this.ledger.readPosition === from) this.ledger.skipTo(first);
    const waiting = this.ledger.queue.peek(monotonicMs());
    if (waiting?.first === from && first > from) this.ledger.dropWaiting(first - from);
    const last = run[run.length - 1]?.last;
    if (last === undefined) return;
    this.#loadedThrough = last;
    this.#loadNextFrom = first + Math.floor((last - first) / 2);
  }

  #bytesMax(member: Membership): number {
    return Math.min(RUN_BYTES_MAX, member.follower.bytesCapacity);
  }

  #leaseTimes({ follower }: Membership): LeaseTimes {
    return { deliveredAt: Date.now(), deadline: monotonicMs() + follower.leaseMs };
  }

  #expire(member: Membership): void {
    this.#returnLeases(member, monotonicMs(), 'expired');
    member.rearm();
    this.dispatch();
  }

  /** Ends the member's leases whose deadline is not after `until`. */
  #returnLeases({ leases }: Membership, until: number, cause: RedeliveryCause): void {
    let messages = 0;
    for (let lease = leases.oldest; lease !== undefined && lease.deadline <= until; lease = leases.oldest) {
      const { attempt, deliveredAt } = lease;
      const waiting: Waiting = { kind: 'waiting', attempt: attempt + 1, dueAt: 0, deliveredAt };
      messages += this.ledger.endLease(lease, waiting);
    }
    if (messages === 0) return;
    this.#events.redelivered(this, messages, cause);
    this.#events.changed(this, false);
  }

  #armDueTimer(): void {
    clearTimeout(this.#dueTimer);
    const dueAt = this.ledger.queue.nextDueAt;
    // What is due already waits for credit, and whoever gives some dispatches.
    if (dueAt === undefined || dueAt <= monotonicMs()) return;
    const delayMs = Math.min(TIMEOUT_MS_MAX, Math.ceil(dueAt - monotonicMs()));
    this.#dueTimer = setTimeout(() => this.dispatch(), delayMs).unref();
  }

  /** Ends it without a trace in the books: its stream is gone, or the engine stops. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#dueTimer);
    for (const member of this.#members) member.stop();
    this.#members.length = 0;
  }
}

function messagesOf(spans: readonly Span[]): number {
  return spans.reduce((messages, { first, last }) => messages + last - first + 1, 0);
}
