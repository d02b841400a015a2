import { monotonicMs } from '../clock.ts';
import type { Batch } from '../stream/batch.ts';
import type { Lane } from '../stream/lane.ts';
import { type Span, type Waiting, without } from './entry.ts';
import type { KeyGate } from './key-gate.ts';
import type { LeaseTimes, Ledger } from './ledger.ts';
import type { Membership } from './membership.ts';
import type { PendingSpan } from './pending-entries.ts';

/** The most of one DELIVER, so that one follower's frame does not hold up the others on its connection. */
const RUN_BYTES_MAX = 1024 * 1024;
/** Messages of a group that may wait for their keys; past it no more are read until some are done. */
const PARKED_MAX = 100_000;

/** Nothing came, and something may once a read from the store is done. */
export const LOADING = -1;

/** What a lane of a group needs of the group. */
export interface LaneHost {
  readonly name: string;
  /** Present when keys matter. */
  readonly gate: KeyGate | undefined;
  /** Whether a lane has messages of before that the gate has no room for yet. */
  readonly hasUnkeyed: boolean;
  leaseTimes(member: Membership): LeaseTimes;
  send(member: Membership, batch: Batch, first: number, attempt: number, cut: Cut): void;
  /** Whether messages that expired go to the dead letters. */
  readonly buriesExpired: boolean;
  /** Messages expired: they are done or, when they are to be buried, pending in no queue. */
  expiredIn(lane: GroupLane, span: Span): void;
  /** Messages are done, as they are for another group. */
  passed(lane: GroupLane, span: Span): void;
  /** A read is done. */
  loaded(): void;
  failed(error: unknown): void;
}

interface Cut {
  readonly count: number;
  readonly records: Buffer;
}

/** Entries of before the broker started: their keys are not known until their batches are read. */
export interface Unkeyed extends Span {
  readonly dueAt: number;
  /** Whether they were delivered before, and so have their keys' places. */
  readonly wasDelivered: boolean;
}

/** Where a group begins in a lane. */
export interface LanePlace {
  /** The sequence number, and the ordinal of the first message from there on. */
  readonly first: number;
  readonly ordinal: number;
  /** Messages before it that are the group's too. */
  readonly open?: readonly Span[];
  /** Messages from `first` up to `to` (not included), where the first group of the stream began. */
  readonly unowned?: { readonly spans: readonly Span[]; readonly to: number };
}

export const LANE_START: LanePlace = { first: 1, ordinal: 0 };

/** One lane of a group: its books, and the reading of what comes next. */
export class GroupLane {
  readonly lane: Lane;
  readonly ledger: Ledger;
  readonly #host: LaneHost;
  // The next one is the last: those that were delivered come first, and then it goes by sequence number.
  #unkeyed: Unkeyed[];
  // Of those, what comes before it is gone.
  #purgedTo = 0;
  #loading = false;
  #closed = false;
  // The last message of the run that was read last, and the middle of that run: passing it starts the next read.
  #loadedThrough = 0;
  #loadNextFrom = 0;

  constructor(lane: Lane, ledger: Ledger, host: LaneHost, unkeyed: readonly Unkeyed[] = []) {
    this.lane = lane;
    this.ledger = ledger;
    this.#host = host;
    this.#unkeyed = unkeyed.toReversed().sort((a, b) => Number(a.wasDelivered) - Number(b.wasDelivered));
  }

  get number(): number {
    return this.lane.number;
  }

  get isLoading(): boolean {
    return this.#loading;
  }

  get hasUnkeyed(): boolean {
    return this.#unkeyed.length > 0;
  }

  /** Messages not delivered yet. */
  get lag(): number {
    if (this.ledger.readPosition >= this.lane.durableEnd) return 0;
    return Math.max(1, this.lane.durableOrdinal - this.ledger.ordinal);
  }

  /** Messages that may be delivered now, about. */
  available(now: number): number {
    const { queue } = this.ledger;
    const isDue = queue.peek(now) !== undefined;
    return this.lag + (isDue ? queue.messages : 0) + this.#unkeyed.length;
  }

  /** The lowest sequence number that is not done; undefined when all are. */
  get lowestOpen(): number | undefined {
    const fresh = this.lag > 0 ? this.ledger.readPosition : undefined;
    return this.ledger.pending.lowest() ?? fresh;
  }

  /**
   * Gives the member messages: those to be delivered again first, then fresh ones.
   *
   * @returns how many it got; 0 when there are none for it, or LOADING
   */
  deliver(member: Membership, countMax: number): number {
    for (;;) {
      const waiting = this.#deliverWaiting(member, countMax);
      if (waiting !== 0) return waiting;
      const outcome = this.#deliverFresh(member, countMax);
      if (outcome !== 'again') return outcome;
    }
  }

  /** Begins anew; see Ledger.reset. */
  reset({ first, ordinal, open = [] }: LanePlace): void {
    this.ledger.reset(first, ordinal);
    this.ledger.adopt(open, this.#host.gate !== undefined);
    this.#unkeyed = this.#host.gate === undefined ? [] : open.map(atOnce).reverse();
    this.#purgedTo = 0;
    this.#loadedThrough = 0;
    this.#loadNextFrom = 0;
  }

  purge(sequence: number, ordinal: number): void {
    this.ledger.purge(sequence, ordinal);
    this.#purgedTo = Math.max(this.#purgedTo, sequence);
  }

  /** See Ledger.strike. */
  strike(span: Span): readonly PendingSpan[] {
    this.#forgetUnkeyed(span);
    return this.ledger.strike(span);
  }

  close(): void {
    this.#closed = true;
  }

  #deliverWaiting(member: Membership, countMax: number): number {
    for (;;) {
      const range = this.ledger.queue.peek(monotonicMs());
      if (range === undefined) return 0;
      const batch = this.lane.log.find(range.first);
      if (batch === undefined) {
        if (!this.lane.log.isPinned) return this.#load(range.first);
        const next = this.lane.log.ceiling(range.first)?.first ?? Number.POSITIVE_INFINITY;
        this.ledger.dropWaiting(next - range.first);
        continue;
      }
      let count = Math.min(countMax, range.last - range.first + 1, batch.last - range.first + 1);
      if (!batch.isBare) {
        if (!this.#isOwn(batch, range.first)) {
          this.#host.passed(this, this.ledger.dropWaiting(1));
          continue;
        }
        const alive = this.#countAlive(batch, range.first, count);
        if (alive === 0) {
          const expired = this.#countExpired(batch, range.first, count);
          const { buriesExpired } = this.#host;
          const span = buriesExpired ? this.ledger.idleWaiting(expired) : this.ledger.dropWaiting(expired);
          this.#host.expiredIn(this, span);
          continue;
        }
        count = this.#countOwn(batch, range.first, alive);
      }
      if (this.#host.gate !== undefined) batch.expectRandomCuts();
      const cut = batch.cut(range.first, count, this.#bytesMax(member));
      const lease = this.ledger.leaseWaiting(member, cut.count, this.#host.leaseTimes(member));
      this.#host.send(member, batch, range.first, lease.attempt, cut);
      return cut.count;
    }
  }

  #deliverFresh(member: Membership, countMax: number): number | 'again' {
    const batch = this.#nextBatch();
    if (batch === undefined) return this.#loading ? LOADING : 0;
    const first = this.ledger.readPosition;
    const cut = batch.cut(first, countMax, this.#bytesMax(member));
    if (batch.isBare) return this.#sendFresh(member, batch, cut);
    const { gate } = this.#host;
    if (gate !== undefined && this.#host.hasUnkeyed) return 0;
    const count = this.#countDeliverable(batch, first, cut.count, gate);
    if (count === 0) return this.#passOver(batch, first, gate);
    // What fitted the bytes still does, so the shorter cut has all of `count`.
    const shorter = count < cut.count ? batch.cut(first, count, Number.POSITIVE_INFINITY) : cut;
    return this.#sendFresh(member, batch, shorter);
  }

  #sendFresh(member: Membership, batch: Batch, cut: Cut): number {
    const first = this.ledger.readPosition;
    this.ledger.leaseFresh(member, cut.count, this.#host.leaseTimes(member));
    this.#host.send(member, batch, first, 1, cut);
    this.#readAhead();
    return cut.count;
  }

  /**
   * How many messages from `first` on may be delivered as one run. Each takes its place at the gate on the way, since
   * a run may hold two of one key, of which the second has to wait.
   */
  #countDeliverable(batch: Batch, first: number, countMax: number, gate: KeyGate | undefined): number {
    const start = first - batch.first;
    const count = this.#countOwn(batch, first, this.#countAlive(batch, first, countMax));
    if (gate === undefined) return count;
    for (let i = 0; i < count; i++) {
      const key = batch.keys[start + i];
      if (key === undefined) continue;
      if (gate.isShut(key)) return i;
      gate.enter(key, first + i);
    }
    return count;
  }

  /** The message at the read position is not to be delivered now, or ever: goes past it, and its like that follow. */
  #passOver(batch: Batch, first: number, gate: KeyGate | undefined): number | 'again' {
    const rest = batch.last - first + 1;
    const expired = this.#countExpired(batch, first, rest);
    if (expired > 0) {
      const { buriesExpired } = this.#host;
      const span = buriesExpired ? this.ledger.parkFresh(expired) : this.ledger.passFresh(expired);
      this.#host.expiredIn(this, span);
      return 'again';
    }
    if (!this.#isOwn(batch, first)) {
      this.#host.passed(this, this.ledger.passFresh(1));
      return 'again';
    }
    if (gate === undefined || gate.parked >= PARKED_MAX) return 0;
    this.ledger.parkFresh(1);
    gate.park(batch.keys[first - batch.first]!, { lane: this.number, sequence: first });
    return 'again';
  }

  /** Whether the message is for every group, or for this one. */
  #isOwn(batch: Batch, sequence: number): boolean {
    const group = batch.conditions.groups?.[sequence - batch.first];
    return group === undefined || group === this.#host.name;
  }

  #countOwn(batch: Batch, first: number, count: number): number {
    if (batch.conditions.groups === undefined) return count;
    for (let i = 0; i < count; i++) if (!this.#isOwn(batch, first + i)) return i;
    return count;
  }

  /** How many messages from `first` on have not expired. */
  #countAlive(batch: Batch, first: number, count: number): number {
    const { expiresAt } = batch.conditions;
    if (expiresAt === undefined) return count;
    const now = Date.now();
    const start = first - batch.first;
    for (let i = 0; i < count; i++) if (expiresAt[start + i]! <= now) return i;
    return count;
  }

  #countExpired(batch: Batch, first: number, count: number): number {
    const { expiresAt } = batch.conditions;
    if (expiresAt === undefined) return 0;
    const now = Date.now();
    const start = first - batch.first;
    for (let i = 0; i < count; i++) if (expiresAt[start + i]! > now) return i;
    return count;
  }

  /**
   * Lets entries of before the broker started through the gate: those that were delivered, or all. Of those that were
   * not, no more than may wait there: the rest goes through when some are done, and nothing fresh before it.
   *
   * @returns whether it is done with them for now; false while some are read from the store
   */
  readKeys(which: 'delivered' | 'all'): boolean {
    const { gate } = this.#host;
    for (let entry = this.#nextUnkeyed(); entry !== undefined; entry = this.#nextUnkeyed()) {
      if (which === 'delivered' && !entry.wasDelivered) return true;
      const { first, last, dueAt } = entry;
      const parkedMax = entry.wasDelivered ? Number.POSITIVE_INFINITY : PARKED_MAX;
      if (gate !== undefined && gate.parked >= parkedMax) return true;
      const batch = this.lane.log.find(first);
      if (batch === undefined && !this.lane.log.isPinned) {
        this.#load(first);
        return false;
      }
      const next = batch === undefined ? this.lane.log.ceiling(first)?.first : batch.last + 1;
      const end = next === undefined ? last : Math.min(last, next - 1);
      if (batch === undefined) this.ledger.settleIdle({ first, last: end });
      const through = batch === undefined ? end : this.#admit(batch, { first, last: end }, dueAt, parkedMax);
      this.#passUnkeyed(entry, through);
    }
    return true;
  }

  /** @returns the last of them that came through, or waits at the gate */
  #admit(batch: Batch, { first, last }: Span, dueAt: number, parkedMax: number): number {
    const { gate } = this.#host;
    for (let sequence = first; sequence <= last; sequence++) {
      if (gate !== undefined && gate.parked >= parkedMax) return sequence - 1;
      const key = batch.keys[sequence - batch.first];
      if (!this.#isOwn(batch, sequence)) this.#passIdle({ first: sequence, last: sequence });
      else if (key !== undefined && gate?.isShut(key)) gate.park(key, { lane: this.number, sequence });
      else {
        if (key !== undefined) gate?.enter(key, sequence);
        this.ledger.enqueueIdle({ first: sequence, last: sequence }, dueAt);
      }
    }
    return last;
  }

  #passIdle(span: Span): void {
    for (const passed of this.ledger.settleIdle(span)) this.#host.passed(this, passed);
  }

  /** The batch at the read position, once it is in memory; passes over holes: other lanes' messages, and removed ones. */
  #nextBatch(): Batch | undefined {
    const { log, durableEnd, durableOrdinal } = this.lane;
    const position = this.ledger.readPosition;
    if (position >= durableEnd) return undefined;
    const batch = log.find(position);
    if (batch !== undefined) {
      this.ledger.skipTo(position, batch.ordinal + position - batch.first);
      return batch;
    }
    const next = log.ceiling(position);
    // Without a message between by the ordinals there is none on disk either.
    if (next !== undefined && (log.isPinned || next.ordinal === this.ledger.ordinal)) {
      this.ledger.skipTo(next.first, next.ordinal);
      return next;
    }
    if (log.isPinned) this.ledger.skipTo(durableEnd, durableOrdinal);
    else this.#load(position);
    return undefined;
  }

  #readAhead(): void {
    const { log, durableEnd } = this.lane;
    const next = this.#loadedThrough + 1;
    const position = this.ledger.readPosition;
    if (log.isPinned || position < this.#loadNextFrom || position > next) return;
    if (next < durableEnd && log.find(next) === undefined) this.#load(next);
  }

  #load(from: number): typeof LOADING {
    if (this.#loading) return LOADING;
    this.#loading = true;
    const end = { first: this.lane.durableEnd, ordinal: this.lane.durableOrdinal };
    this.lane.log.load(from).then(
      (run) => {
        this.#loading = false;
        if (this.#closed) return;
        this.#loaded(from, run, end);
        this.#host.loaded();
      },
      (error) => this.#host.failed(error),
    );
    return LOADING;
  }

  #loaded(from: number, run: readonly Batch[], end: { first: number; ordinal: number }): void {
    const { first, ordinal } = run[0] ?? end;
    // Nothing is stored between `from` and `first`: it was removed, or is another lane's.
    if (this.ledger.readPosition === from && first > from) this.ledger.skipTo(first, ordinal);
    const waiting = this.ledger.queue.peek(monotonicMs());
    if (waiting?.first === from && first > from) this.ledger.dropWaiting(first - from);
    const unkeyed = this.#nextUnkeyed();
    if (unkeyed?.first === from && first > from) this.#dropUnkeyed(unkeyed, first);
    const last = run[run.length - 1]?.last;
    if (last === undefined) return;
    this.#loadedThrough = last;
    this.#loadNextFrom = first + Math.floor((last - first) / 2);
  }

  #forgetUnkeyed(gone: Span): void {
    this.#unkeyed = this.#unkeyed.flatMap((entry) => {
      const left = without([entry], gone).reverse();
      return left.map((part) => ({ ...entry, ...part }));
    });
  }

  #dropUnkeyed(entry: Unkeyed, until: number): void {
    const { first, last } = entry;
    const end = Math.min(last, until - 1);
    this.ledger.settleIdle({ first, last: end });
    this.#passUnkeyed(entry, end);
  }

  #nextUnkeyed(): Unkeyed | undefined {
    for (;;) {
      const entry = this.#unkeyed.at(-1);
      if (entry === undefined || entry.first >= this.#purgedTo) return entry;
      this.#passUnkeyed(entry, Math.min(entry.last, this.#purgedTo - 1));
    }
  }

  /** The next one is through up to `end`. */
  #passUnkeyed(entry: Unkeyed, end: number): void {
    this.#unkeyed.pop();
    if (end < entry.last) this.#unkeyed.push({ ...entry, first: end + 1 });
  }

  #bytesMax(member: Membership): number {
    return Math.min(RUN_BYTES_MAX, member.follower.bytesCapacity);
  }
}

function atOnce({ first, last }: Span): Unkeyed {
  return { first, last, dueAt: 0, wasDelivered: false };
}

/** A state for entries that wait in no queue. */
export function idleState(attempt: number, deliveredAt: number): Waiting {
  return { kind: 'waiting', attempt, dueAt: Number.POSITIVE_INFINITY, deliveredAt };
}
