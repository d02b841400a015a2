import { monotonicMs } from '../clock.ts';
import { ERROR_LENGTH_MAX } from '../limits.ts';
import { append } from '../lists.ts';
import type { Batch } from '../stream/batch.ts';
import { byUrgency, type Lane } from '../stream/lane.ts';
import { Dispatcher, type DispatcherGroup } from './dispatcher.ts';
import { type EntryState, messagesOf, type Span, type Waiting } from './entry.ts';
import {
  GroupLane,
  idleState,
  LANE_START,
  type LaneHost,
  type LanePlace,
  type Unkeyed,
} from './group-lane.ts';
import { type GroupSettings, retryDelayMs } from './group-settings.ts';
import { KeyGate } from './key-gate.ts';
import type { Lease } from './lease.ts';
import type { LeaseTimes, Ledger, LedgerChanges } from './ledger.ts';
import { type GroupFollower, Membership } from './membership.ts';
import type { Change, PendingSpan } from './pending-entries.ts';

/** What a group needs of its stream. */
export interface GroupStream {
  readonly name: string;
  /** The sequence number after the last that may be delivered. */
  readonly durableNext: number;
  /** The sequence number that the next message gets. */
  readonly nextSequence: number;
}

/** Why messages are delivered again. */
export type RedeliveryCause = 'nack' | 'expired' | 'disconnected';
/** Why messages go to the dead letters. */
export type DeathCause = 'maxDeliveries' | 'rejected' | 'expired';

/** A delivery that failed. */
export interface Failure extends Span {
  readonly attempt: number;
  readonly cause: RedeliveryCause | 'rejected';
  readonly error: string;
}

/** Messages that go to the dead letters; they are pending, in no queue. */
export interface Death extends Span {
  readonly lane: GroupLane;
  readonly cause: DeathCause;
  /** The last attempt that they were delivered in; absent when they never were, or that is not known. */
  readonly attempt?: number;
  /** Why, where no failure that is on record says it. */
  readonly error?: string;
}

export interface GroupEvents {
  /** The books have changed; `urgent` when somebody waits for them to be stored. */
  changed(group: Group, urgent: boolean): void;
  /** Messages are done: they were acked, or passed over. */
  done(group: Group, lane: number, spans: readonly Span[]): void;
  /** The group is not done with them after all; it is in the books yet. */
  undone(group: Group, lane: number, spans: readonly Span[]): void;
  redelivered(group: Group, messages: number, cause: RedeliveryCause): void;
  failed(group: Group, failure: Failure): void;
  /** @returns true when they are in the dead letters; false when the engine ends before */
  died(group: Group, death: Death): Promise<boolean>;
  expired(group: Group, messages: number): void;
  /** The store could not be read. */
  storeFailed(error: unknown): void;
}

export interface GroupOptions {
  readonly id: number;
  readonly name: string;
  readonly createdAt: number;
  readonly stream: GroupStream;
  readonly settings: GroupSettings;
  /** What comes before it was never the group's. */
  readonly startSequence: number;
  readonly events: GroupEvents;
  /** The books of a lane that is new to the group. */
  readonly ledgerOf: (place: LanePlace) => Ledger;
}

/** What one commit has to store of a group. */
export interface GroupChanges {
  readonly resets: number;
  readonly ackFloor: number;
  readonly lanes: readonly { readonly lane: GroupLane; readonly changes: LedgerChanges }[];
}

/** The followers of one group and what they do with its stream's messages. */
export class Group implements LaneHost, DispatcherGroup {
  readonly id: number;
  readonly name: string;
  readonly createdAt: number;
  readonly stream: GroupStream;
  readonly #events: GroupEvents;
  readonly #ledgerOf: GroupOptions['ledgerOf'];
  readonly #members: Membership[] = [];
  readonly #lanes: GroupLane[] = [];
  readonly #dispatcher: Dispatcher;
  #settings: GroupSettings;
  #gate: KeyGate | undefined;
  #redelivered = 0;
  #expired = 0;
  startSequence: number;
  /** How often it began anew: what was under way before is not for what came after. */
  resets = 0;
  /** Messages that went to the dead letters, since the broker started. */
  deadLettered = 0;
  /** Whether failures of it are on record. */
  hasFailures = false;
  /** When it had a follower last, by the monotonic clock. */
  usedAt: number = monotonicMs();
  /** It waits to be reset: what its followers hold is not acked in a way that could be taken back. */
  isBeginningAnew = false;
  #isClosed = false;
  /** Everything before it was taken out of the books while this engine ran. */
  #purgedTo = 0;

  constructor(options: GroupOptions) {
    this.id = options.id;
    this.name = options.name;
    this.createdAt = options.createdAt;
    this.stream = options.stream;
    this.#settings = options.settings;
    this.startSequence = options.startSequence;
    this.#events = options.events;
    this.#ledgerOf = options.ledgerOf;
    this.#gate = gateOf(options.settings);
    this.#dispatcher = new Dispatcher(this);
  }

  get settings(): GroupSettings {
    return this.#settings;
  }

  get lanes(): readonly GroupLane[] {
    return this.#lanes;
  }

  get members(): readonly Membership[] {
    return this.#members;
  }

  get gate(): KeyGate | undefined {
    return this.#gate;
  }

  get isKeyed(): boolean {
    return this.#gate !== undefined;
  }

  get hasUnkeyed(): boolean {
    for (const lane of this.#lanes) if (lane.hasUnkeyed) return true;
    return false;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get isLoading(): boolean {
    return this.#lanes.some((lane) => lane.isLoading);
  }

  get followers(): number {
    return this.#members.length;
  }

  /** Deliveries beyond a message's first, since the broker started. */
  get redelivered(): number {
    return this.#redelivered;
  }

  /** Messages that expired before they were delivered, since the broker started. */
  get expired(): number {
    return this.#expired;
  }

  /** Messages not delivered yet. */
  get lag(): number {
    return this.#lanes.reduce((messages, { lag, ledger }) => messages + lag + ledger.undelivered, 0);
  }

  /** Messages before the read position that are not done, delivered or not. */
  get listed(): number {
    return this.#lanes.reduce((messages, { ledger }) => messages + ledger.pending.size, 0);
  }

  /** Messages delivered and not done. */
  get pending(): number {
    return this.#lanes.reduce((messages, { ledger }) => messages - ledger.undelivered, this.listed);
  }

  /** Every message up to it is done. */
  get ackFloor(): number {
    return (this.lowestOpen ?? this.stream.durableNext) - 1;
  }

  /** The lowest sequence number that is not done; undefined when all are. */
  get lowestOpen(): number | undefined {
    let lowest: number | undefined;
    for (const { lowestOpen } of this.#lanes) {
      if (lowestOpen !== undefined && (lowest === undefined || lowestOpen < lowest)) lowest = lowestOpen;
    }
    return lowest;
  }

  /** The first message that was never delivered, or the one that comes next. */
  get readPosition(): number {
    let lowest = this.stream.durableNext;
    for (const { lag, ledger } of this.#lanes) if (lag > 0) lowest = Math.min(lowest, ledger.readPosition);
    return lowest;
  }

  /** The books of a lane by its number; undefined when the stream does not have it. */
  ledger(lane: number): Ledger | undefined {
    return this.#lanes.find(({ number }) => number === lane)?.ledger;
  }

  /** The pending entries of all lanes from `first` on, by sequence number. */
  *pendingFrom(first: number): Generator<PendingSpan> {
    const heads = this.#lanes.map(({ ledger }) => ledger.pending.spansFrom(first));
    const next = heads.map((spans) => spans.next().value as PendingSpan | undefined);
    for (;;) {
      let least = -1;
      next.forEach((span, index) => {
        if (span !== undefined && (least < 0 || span.first < next[least]!.first)) least = index;
      });
      if (least < 0) return;
      yield next[least]!;
      next[least] = heads[least]!.next().value as PendingSpan | undefined;
    }
  }

  /** What a member holds, by sequence number. */
  heldBy({ leases }: Membership): PendingSpan[] {
    const held: PendingSpan[] = [];
    for (let lease = leases.oldest; lease !== undefined; lease = lease.next) {
      const of = lease;
      const { ledger } = this.#lanes.find(({ ledger }) => ledger === of.books)!;
      for (const span of ledger.pending.spansFrom(of.first)) {
        if (span.first > of.last) break;
        if (span.state === of) held.push(span);
      }
    }
    return held.sort((a, b) => a.first - b.first);
  }

  /** Adds the books of a lane: as they are given, or of one that is to get its first message. */
  addLane(
    lane: Lane,
    books: { ledger: Ledger; unkeyed: readonly Unkeyed[] } | undefined = undefined,
  ): GroupLane {
    const ledger = books?.ledger ?? this.#ledgerOf({ first: this.stream.nextSequence, ordinal: 0 });
    const added = new GroupLane(lane, ledger, this, books?.unkeyed);
    this.#lanes.push(added);
    this.#lanes.sort(byUrgency);
    if (books === undefined) this.#events.changed(this, false);
    return added;
  }

  join(follower: GroupFollower): Membership {
    const membership = new Membership(follower, (member) => this.#expire(member));
    this.#members.push(membership);
    return membership;
  }

  /**
   * What the member holds goes back one attempt further: at once, or as the retry policy says when it was lost. In an
   * exclusive group always at once: what waited would come to the next follower behind what is fresh, out of order.
   */
  leave(membership: Membership, isLost: boolean): void {
    const index = this.#members.indexOf(membership);
    if (index < 0) return;
    this.#members.splice(index, 1);
    this.usedAt = monotonicMs();
    membership.stop();
    const { client } = membership.follower;
    const error = isLost
      ? `the connection of ${client} was lost`
      : `the follower of ${client} left it unfinished`;
    const delayMs = isLost && !this.#settings.exclusive ? undefined : 0;
    this.#returnLeases(membership, Number.POSITIVE_INFINITY, { cause: 'disconnected', error, delayMs });
    this.dispatch();
  }

  ack(membership: Membership, range: Span, attempt: number): Change {
    return this.#changeLanes(range, (lane, part) => {
      const change = lane.ledger.ack(membership, part, attempt);
      if (change.changed.length > 0) {
        this.#events.done(this, lane.number, change.changed);
        this.#events.changed(this, true);
      }
      return change;
    });
  }

  /** Whether the member holds all of the range in that attempt. */
  holds(membership: Membership, range: Span, attempt: number): boolean {
    if (this.isBeginningAnew) return false;
    const held = this.#lanes.map(({ ledger }) => messagesOf(ledger.holds(membership, range, attempt)));
    return held.reduce((sum, messages) => sum + messages, 0) === range.last - range.first + 1;
  }

  /**
   * Acks what the member holds of the range, all of which it must hold.
   *
   * @returns what takes that back: the messages come again, one attempt further
   */
  ackRevocably(membership: Membership, range: Span, attempt: number): () => void {
    const state = atOnceAfter(attempt);
    const undo: (() => void)[] = [];
    this.#changeLanes(range, (lane, part) => {
      const change = lane.ledger.ack(membership, part, attempt);
      const entries = change.changed.map((span) => ({ ...span, state }));
      if (entries.length > 0) undo.push(this.#settled(lane, entries));
      return change;
    });
    return () => {
      for (const revoke of undo) revoke();
      this.dispatch();
    };
  }

  /**
   * Takes messages that wait to be buried out of the list, as their burial goes into the open transaction.
   *
   * @returns which of them were there still, and what takes that back
   */
  buried(lane: GroupLane, span: Span): { spans: readonly Span[]; undo: () => void } {
    const spans = lane.ledger.takeIdle(span);
    if (spans.length === 0) return { spans, undo: () => {} };
    const messages = messagesOf(spans);
    const revoke = this.#settled(lane, spans);
    this.deadLettered += messages;
    const undo = (): void => {
      this.deadLettered -= messages;
      revoke();
    };
    return { spans, undo };
  }

  /** The failed messages come back one attempt further, after `delayMs` or as the retry policy has it. */
  nack(
    membership: Membership,
    range: Span,
    attempt: number,
    { delayMs, reason }: { delayMs?: number; reason?: string },
  ): Change {
    const error = keptOf(reason ?? 'nacked without a reason');
    const waiting = this.#nextDelivery(attempt, Date.now(), delayMs);
    return this.#changeLanes(range, (lane, part) => {
      const change = lane.ledger.giveBack(membership, part, attempt, waiting);
      this.#failed(lane, change.changed, attempt, 'nack', error);
      if (change.changed.length > 0) this.#events.changed(this, true);
      return change;
    });
  }

  /** The messages go to the dead letters; `buried` tells whether they came there before the engine ended. */
  reject(
    membership: Membership,
    range: Span,
    attempt: number,
    reason: string,
  ): { change: Change; buried: Promise<boolean> } {
    const error = keptOf(reason);
    const burials: Promise<boolean>[] = [];
    const change = this.#changeLanes(range, (lane, part) => {
      const change = lane.ledger.giveBack(membership, part, attempt, idleState(attempt + 1, Date.now()));
      for (const { first, last } of change.changed) {
        this.#record({ first, last, attempt, cause: 'rejected', error });
        burials.push(this.#events.died(this, { lane, first, last, cause: 'rejected', attempt, error }));
      }
      return change;
    });
    return { change, buried: Promise.all(burials).then((all) => all.every(Boolean)) };
  }

  /** Messages that were not begun come back in the same attempt. */
  release(membership: Membership, range: Span, attempt: number): Change {
    const waiting: Waiting = {
      kind: 'waiting',
      attempt,
      dueAt: 0,
      deliveredAt: attempt === 1 ? 0 : Date.now(),
    };
    return this.#changeLanes(range, (lane, part) => {
      const change = lane.ledger.giveBack(membership, part, attempt, waiting);
      if (change.changed.length > 0) this.#events.changed(this, false);
      return change;
    });
  }

  extend(membership: Membership, range: Span, attempt: number): Change {
    const times = this.leaseTimes(membership);
    return this.#changeLanes(range, ({ ledger }, part) => ledger.extend(membership, part, attempt, times));
  }

  /** Hands out what there is to those who have credit, until one of the two is used up. */
  dispatch(): void {
    this.#dispatcher.dispatch();
  }

  /** They hold for what is delivered, or fails, from now on. What keys may do changes only when nothing is pending. */
  changeSettings(settings: GroupSettings): void {
    const { ordering, keyConcurrency } = this.#settings;
    this.#settings = settings;
    if (ordering !== settings.ordering || keyConcurrency !== settings.keyConcurrency) {
      this.#gate = gateOf(settings);
    }
    this.#dispatcher.settingsChanged();
    this.#events.changed(this, true);
    this.dispatch();
  }

  /** Everything before `sequence` is gone from the stream; `ordinals` are those of the lanes' first messages after it. */
  purge(sequence: number, ordinals: ReadonlyMap<number, number>): void {
    this.#purgedTo = Math.max(this.#purgedTo, sequence);
    for (const lane of this.#lanes) lane.purge(sequence, ordinals.get(lane.number) ?? 0);
    this.#gate?.remove({ first: 1, last: sequence - 1 }, (ready) => this.#unpark(ready));
    this.#events.changed(this, true);
  }

  /**
   * Messages of a lane are gone from the stream, though others before them are not: who holds some is too late.
   *
   * @returns what takes that back: those that were pending come again, one attempt further if they were held
   */
  strike(laneNumber: number, span: Span): () => void {
    const lane = this.#lanes.find(({ number }) => number === laneNumber)!;
    const struck = lane.strike(span);
    this.#gate?.remove(span, (ready) => this.#unpark(ready));
    this.#events.changed(this, true);
    const { resets } = this;
    return () => {
      if (resets !== this.resets) return;
      for (const { first, last, state } of struck) {
        const from = Math.max(first, this.#purgedTo);
        if (from <= last) lane.ledger.revive([{ first: from, last }], revived(state));
      }
      this.#events.changed(this, false);
    };
  }

  /** Begins anew: what was delivered before may come again, in attempt 1. */
  reset(places: ReadonlyMap<number, LanePlace>): void {
    this.resets++;
    this.isBeginningAnew = false;
    this.#gate = gateOf(this.#settings);
    // A lane that came to be meanwhile begins with its first message.
    for (const lane of this.#lanes) lane.reset(places.get(lane.number) ?? LANE_START);
    this.#events.changed(this, true);
  }

  seal(): GroupChanges {
    const { resets, ackFloor } = this;
    return { resets, ackFloor, lanes: this.#lanes.map((lane) => ({ lane, changes: lane.ledger.seal() })) };
  }

  unseal({ resets, lanes }: GroupChanges): void {
    const isSame = resets === this.resets;
    for (const { lane, changes } of lanes) lane.ledger.unseal(isSame ? changes : { ...changes, done: [] });
  }

  /** What was sealed is durable: only now do messages that are done make way for others of their keys. */
  committed({ resets, lanes }: GroupChanges): void {
    const gate = this.#gate;
    if (gate === undefined || resets !== this.resets) return;
    for (const { changes } of lanes) {
      for (const { first, last } of changes.done) {
        for (let sequence = first; sequence <= last; sequence++) {
          const ready = gate.leave(sequence);
          if (ready !== undefined) this.#unpark(ready);
        }
      }
    }
  }

  /** Ends it without a trace in the books: its stream is gone, or the engine stops. */
  close(): void {
    this.#isClosed = true;
    this.#dispatcher.close();
    for (const lane of this.#lanes) lane.close();
    for (const member of this.#members) member.stop();
    this.#members.length = 0;
  }

  leaseTimes({ follower }: Membership): LeaseTimes {
    return { deliveredAt: Date.now(), deadline: monotonicMs() + follower.leaseMs };
  }

  send(
    { follower }: Membership,
    batch: Batch,
    first: number,
    attempt: number,
    cut: { count: number; records: Buffer },
  ): void {
    if (attempt > 1) this.#redelivered += cut.count;
    this.#events.changed(this, false);
    const { name } = this.stream;
    const { time, flags, shared } = batch;
    follower.deliver({ stream: name, first, attempt, time, flags, shared, ...cut });
  }

  get buriesExpired(): boolean {
    return this.#settings.deadLetterExpired;
  }

  expiredIn(lane: GroupLane, span: Span): void {
    const messages = span.last - span.first + 1;
    this.#expired += messages;
    this.#events.expired(this, messages);
    if (!this.buriesExpired) this.passed(lane, span);
    else void this.#events.died(this, { lane, ...span, cause: 'expired', error: 'its ttl was over' });
  }

  passed(lane: GroupLane, span: Span): void {
    this.#events.done(this, lane.number, [span]);
    this.#events.changed(this, false);
  }

  loaded(): void {
    this.dispatch();
    for (const { follower } of [...this.#members]) follower.loaded(this);
  }

  failed(error: unknown): void {
    this.#events.storeFailed(error);
  }

  /** Applies a change to what each lane has of the range; a sequence number is of one lane only. */
  #changeLanes(range: Span, change: (lane: GroupLane, part: Span) => Change): Change {
    const [first] = this.#lanes;
    if (this.#lanes.length === 1) return change(first!, range);
    const changed: Span[] = [];
    let missed: readonly Span[] = [range];
    for (const lane of this.#lanes) {
      const parts = missed.map((part) => change(lane, part));
      for (const part of parts) append(changed, part.changed);
      missed = parts.flatMap((part) => part.missed);
      if (missed.length === 0) break;
    }
    return { changed, missed };
  }

  /** Messages were taken out of the list. @returns what puts them back, to wait as each has it */
  #settled(lane: GroupLane, entries: readonly (Span & { readonly state: Waiting })[]): () => void {
    this.#events.done(this, lane.number, entries);
    this.#events.changed(this, true);
    const { resets } = this;
    return () => {
      if (this.#isClosed || resets !== this.resets) return;
      for (const { first, last, state } of entries) {
        // What was purged meanwhile is gone from the stream.
        const from = Math.max(first, this.#purgedTo);
        if (from > last) continue;
        const left = [{ first: from, last }];
        this.#events.undone(this, lane.number, left);
        lane.ledger.revive(left, state);
      }
      this.#events.changed(this, false);
    };
  }

  #expire(member: Membership): void {
    const error = `the lease of ${member.follower.client} ran out after ${member.follower.leaseMs} ms`;
    this.#returnLeases(member, monotonicMs(), { cause: 'expired', error, delayMs: undefined });
    member.rearm();
    this.dispatch();
  }

  /** Ends the member's leases whose deadline is not after `until`. */
  #returnLeases({ leases }: Membership, until: number, end: LeaseEnd): void {
    for (let lease = leases.oldest; lease !== undefined && lease.deadline <= until; lease = leases.oldest) {
      this.#returnLease(lease, end);
    }
  }

  #returnLease(lease: Lease, { cause, error, delayMs }: LeaseEnd): void {
    const { attempt, deliveredAt } = lease;
    const lane = this.#lanes.find(({ ledger }) => ledger === lease.books)!;
    const spans = lane.ledger.endLease(lease, this.#nextDelivery(attempt, deliveredAt, delayMs));
    this.#failed(lane, spans, attempt, cause, error);
    if (spans.length > 0) this.#events.changed(this, false);
  }

  /** How a message waits whose delivery number `attempt` failed: in no queue when that was its last. */
  #nextDelivery(attempt: number, deliveredAt: number, delayMs?: number): Waiting {
    const { retry } = this.#settings;
    if (attempt >= retry.maxDeliveries) return idleState(attempt + 1, deliveredAt);
    const wait = delayMs ?? retryDelayMs(retry, attempt);
    const dueAt = wait > 0 ? monotonicMs() + wait : 0;
    return { kind: 'waiting', attempt: attempt + 1, dueAt, deliveredAt };
  }

  #failed(
    lane: GroupLane,
    spans: readonly Span[],
    attempt: number,
    cause: RedeliveryCause,
    error: string,
  ): void {
    if (spans.length === 0) return;
    const isDead = attempt >= this.#settings.retry.maxDeliveries;
    for (const { first, last } of spans) {
      this.#record({ first, last, attempt, cause, error });
      if (isDead) void this.#events.died(this, { lane, first, last, cause: 'maxDeliveries', attempt });
    }
    if (!isDead) this.#events.redelivered(this, messagesOf(spans), cause);
  }

  #record(failure: Failure): void {
    this.hasFailures = true;
    this.#events.failed(this, { ...failure, error: keptOf(failure.error) });
  }

  #unpark({ lane, sequence }: { lane: number; sequence: number }): void {
    this.ledger(lane)?.enqueueIdle({ first: sequence, last: sequence }, 0);
  }
}

/** Why leases end that nobody settled; `delayMs` undefined is as the retry policy has it. */
interface LeaseEnd {
  readonly cause: RedeliveryCause;
  readonly error: string;
  readonly delayMs: number | undefined;
}

/** How a message waits that is to come again at once, after this attempt. */
function atOnceAfter(attempt: number): Waiting {
  return { kind: 'waiting', attempt: attempt + 1, dueAt: 0, deliveredAt: Date.now() };
}

/** How a message waits whose striking off was undone: one that waited in no queue comes at once. */
function revived(state: EntryState): Waiting {
  if (state.kind === 'lease') return atOnceAfter(state.attempt);
  return Number.isFinite(state.dueAt) ? state : { ...state, dueAt: 0 };
}

function gateOf({ ordering, keyConcurrency }: GroupSettings): KeyGate | undefined {
  if (ordering === 'key') return new KeyGate(1);
  return keyConcurrency > 0 ? new KeyGate(keyConcurrency) : undefined;
}

/** What is kept of an error, as a string of its own: a slice would keep all of it in memory. */
function keptOf(error: string): string {
  return error.length <= ERROR_LENGTH_MAX ? error : Buffer.from(error.slice(0, ERROR_LENGTH_MAX)).toString();
}
