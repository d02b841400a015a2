import {
  type GroupOptions,
  InvalidOption,
  type SequenceRange,
  ServerClosing,
  type SimpleMQError,
  StaleAck,
  type StreamRanges,
} from '@simplemq/protocol';
import type { Group, GroupStream } from '../group/group.ts';
import type { GroupFollower, Membership, WaitingGroup } from '../group/membership.ts';
import type { Change } from '../group/pending-entries.ts';
import type { Pattern } from '../routing/pattern.ts';
import type {
  DeliveredRun,
  EngineFollower,
  FollowerSink,
  NackOptions,
  RejectOptions,
  StreamFilter,
} from './engine.ts';
import { FormerLeases } from './former-leases.ts';

export interface EmbeddedFollowerOptions {
  readonly id: number;
  readonly client: string;
  readonly leaseMs: number;
  /** The group that it is in on each stream, and what a group that comes to be with it is to be like. */
  readonly group: string;
  readonly groupOptions: GroupOptions;
  /** Streams that are created later and match are followed too; absent for a direct bind. */
  readonly pattern?: Pattern;
  /** The only ones of these streams that there are for it. */
  readonly visible?: StreamFilter;
  readonly sink: FollowerSink;
  /** Resolves when all that has changed by now is durable. */
  readonly durable: () => Promise<void>;
  readonly onClosed: (follower: EmbeddedFollower) => void;
}

interface Place {
  readonly group: Group;
  readonly membership: Membership;
}

/** Ranges of one answer. Who settles only what it holds gets none; who settles blindly gets an error past these. */
const STALE_RANGES_MAX = 10_000;
/** Groups that may read from the store for one follower at a time. */
const LOADS_MAX = 4;
/** A nack's longest delay. */
const NACK_DELAY_MS_MAX = 365 * 24 * 60 * 60 * 1000;

/** A follower of the embedded engine: its credit, shared by all the groups that it is in, and its place in each. */
export class EmbeddedFollower implements EngineFollower, GroupFollower {
  readonly id: number;
  readonly client: string;
  readonly leaseMs: number;
  readonly group: string;
  readonly groupOptions: GroupOptions;
  readonly #pattern: Pattern | undefined;
  readonly #visible: StreamFilter | undefined;
  readonly #sink: FollowerSink;
  readonly #durable: () => Promise<void>;
  readonly #onClosed: (follower: EmbeddedFollower) => void;
  readonly #places = new Map<string, Place>();
  readonly #former = new FormerLeases();
  readonly #waitingGroups = new Set<WaitingGroup>();
  readonly #loadingGroups = new Set<WaitingGroup>();
  #delivered = 0;
  #deliveredBytes = 0;
  #upTo = 0;
  #bytesUpTo = 0;
  #isFull = false;
  #isClosed = false;

  constructor(options: EmbeddedFollowerOptions) {
    this.id = options.id;
    this.client = options.client;
    this.leaseMs = options.leaseMs;
    this.group = options.group;
    this.groupOptions = options.groupOptions;
    this.#pattern = options.pattern;
    this.#visible = options.visible;
    this.#sink = options.sink;
    this.#durable = options.durable;
    this.#onClosed = options.onClosed;
  }

  get capacity(): number {
    if (this.#isClosed || this.#isFull || this.#deliveredBytes >= this.#bytesUpTo) return 0;
    // Others on the same connection may have filled it meanwhile.
    if (this.#sink.isFull?.() === true) {
      this.#isFull = true;
      return 0;
    }
    return Math.max(0, this.#upTo - this.#delivered);
  }

  get bytesCapacity(): number {
    return Math.max(1, this.#bytesUpTo - this.#deliveredBytes);
  }

  deliver(run: DeliveredRun): void {
    this.#delivered += run.count;
    this.#deliveredBytes += run.records.length;
    try {
      if (!this.#sink.deliver(run)) this.#isFull = true;
    } catch {
      // A fault of whoever took the messages is no fault of the engine: they go back.
      this.#isFull = true;
      queueMicrotask(() => this.close());
    }
  }

  waitFor(group: WaitingGroup): void {
    this.#waitingGroups.add(group);
  }

  loaded(group: WaitingGroup): void {
    if (this.#loadingGroups.delete(group)) this.#wake();
  }

  /** The credit that FOLLOW gave, unless there was newer since. */
  start(upTo: number, bytesUpTo: number): void {
    if (this.#upTo === 0) this.credit(upTo, bytesUpTo);
  }

  /** Whether it follows a stream that is created now. */
  follows(stream: string): boolean {
    return this.#pattern?.matches(stream) === true && this.#visible?.(stream) !== false;
  }

  /** Whether it follows this stream by name. */
  isOnly(stream: string): boolean {
    return this.#pattern === undefined && this.#places.has(stream);
  }

  isOn(stream: GroupStream): boolean {
    return this.#places.get(stream.name)?.group.stream === stream;
  }

  /** Takes no more, so that what others hand back while all are being ended goes to nobody. */
  halt(): void {
    this.#isFull = true;
  }

  join(group: Group): void {
    this.#places.set(group.stream.name, { group, membership: group.join(this) });
  }

  isIn(group: Group): boolean {
    return this.#places.get(group.stream.name)?.group === group;
  }

  /** Its place in the group of a stream that is being deleted, or in a group that is, is gone. */
  drop(stream: string): void {
    const place = this.#places.get(stream);
    if (place === undefined) return;
    this.#former.remember(stream, place);
    this.#waitingGroups.delete(place.group);
    this.loaded(place.group);
    this.#places.delete(stream);
  }

  /** Its group begins anew: what it holds there is not its own any more. */
  groupReset(group: Group): void {
    const place = this.#places.get(group.stream.name);
    if (place?.group === group) this.#former.remember(group.stream.name, place);
  }

  credit(upTo: number, bytesUpTo: number): void {
    this.#upTo = upTo;
    this.#bytesUpTo = bytesUpTo;
    this.#wake();
  }

  resume(): void {
    this.#isFull = false;
    this.#wake();
  }

  async ack(entries: readonly StreamRanges[]): Promise<readonly StreamRanges[]> {
    const stale = this.#settle(
      entries,
      ({ group, membership }, range) => group.ack(membership, range, range.attempt),
      (stream, range) => this.#former.split(stream, range),
    );
    await this.#durable();
    return stale;
  }

  async nack(entries: readonly StreamRanges[], options: NackOptions): Promise<readonly StreamRanges[]> {
    const { delayMs } = options;
    if (delayMs !== undefined && delayMs > NACK_DELAY_MS_MAX) {
      throw new InvalidOption(`delayMs is ${delayMs}; it must be 0 to ${NACK_DELAY_MS_MAX} (a year)`, {
        details: { option: 'delayMs' },
      });
    }
    const stale = this.#settle(entries, ({ group, membership }, range) =>
      group.nack(membership, range, range.attempt, options),
    );
    await this.#durable();
    this.#dispatch(entries);
    return stale;
  }

  async reject(
    entries: readonly StreamRanges[],
    { reason = 'rejected without a reason' }: RejectOptions,
  ): Promise<readonly StreamRanges[]> {
    const burials: Promise<boolean>[] = [];
    const stale = this.#settle(entries, ({ group, membership }, range) => {
      // It is rejected when it has come again, if it was meant.
      if (this.#former.mayMean(group.stream.name, range))
        return group.nack(membership, range, range.attempt, { reason });
      const { change, buried } = group.reject(membership, range, range.attempt, reason);
      burials.push(buried);
      return change;
    });
    await this.#durable();
    if (!(await Promise.all(burials)).every(Boolean)) {
      throw new ServerClosing('the broker stopped before what was rejected was in the dead letters');
    }
    return stale;
  }

  /** @throws StaleAck when one of the messages is not held in that attempt, or is named twice */
  checkHeld(entries: readonly StreamRanges[]): void {
    for (const { stream, ranges } of entries) {
      const place = this.#places.get(stream);
      for (const range of ranges) {
        const isFormer = this.#former.split(stream, range).own.length > 0;
        const isHeld = !isFormer && place?.group.holds(place.membership, range, range.attempt) === true;
        if (!isHeld) throw staleInTransaction(stream, range);
      }
    }
    for (const [stream, those] of Map.groupBy(entries, ({ stream }) => stream)) {
      const twice = overlapOf(those.flatMap(({ ranges }) => ranges));
      if (twice !== undefined) throw staleInTransaction(stream, twice);
    }
  }

  groupsOf(entries: readonly StreamRanges[]): Group[] {
    return entries.map(({ stream }) => this.#places.get(stream)!.group);
  }

  /**
   * Acks all of it, which `checkHeld` has let pass.
   *
   * @returns what takes that back: the messages come again, one attempt further
   */
  ackRevocably(entries: readonly StreamRanges[]): () => void {
    const undo = entries.flatMap(({ stream, ranges }) => {
      const { group, membership } = this.#places.get(stream)!;
      return ranges.map((range) => group.ackRevocably(membership, range, range.attempt));
    });
    return () => {
      for (const revoke of undo) revoke();
    };
  }

  async release(entries: readonly StreamRanges[]): Promise<readonly StreamRanges[]> {
    const stale = this.#settle(entries, (place, range) =>
      place.group.release(place.membership, range, range.attempt),
    );
    this.#dispatch(entries);
    return stale;
  }

  async extend(entries: readonly StreamRanges[]): Promise<readonly StreamRanges[]> {
    return this.#settle(entries, (place, range) =>
      place.group.extend(place.membership, range, range.attempt),
    );
  }

  close(): void {
    this.#close(false);
  }

  lose(): void {
    this.#close(true);
  }

  #close(isLost: boolean): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#waitingGroups.clear();
    this.#loadingGroups.clear();
    for (const { group, membership } of this.#places.values()) group.leave(membership, isLost);
    this.#places.clear();
    this.#onClosed(this);
  }

  /** Ends it from the engine's side. */
  end(reason: SimpleMQError): void {
    if (this.#isClosed) return;
    this.close();
    this.#sink.ended(reason);
  }

  #wake(): void {
    // In turn: a group that has more than there was credit for waits again, behind the others.
    for (const group of this.#waitingGroups) {
      // A group that has to read first gives nothing yet: without a limit one message of credit would make all read.
      if (this.capacity === 0 || this.#loadingGroups.size >= LOADS_MAX) return;
      this.#waitingGroups.delete(group);
      group.dispatch();
      if (group.isLoading) this.#loadingGroups.add(group);
    }
  }

  #dispatch(entries: readonly StreamRanges[]): void {
    for (const { stream } of entries) this.#places.get(stream)?.group.dispatch();
  }

  #settle(
    entries: readonly StreamRanges[],
    change: (place: Place, range: SequenceRange) => Change,
    split: (stream: string, range: SequenceRange) => ReturnType<FormerLeases['split']> = (_, range) => ({
      own: [],
      rest: [range],
    }),
  ): readonly StreamRanges[] {
    const stale: StreamRanges[] = [];
    let pieces = 0;
    for (const { stream, ranges } of entries) {
      const place = this.#places.get(stream);
      const missed = ranges.flatMap((range) => {
        const { own, rest } = split(stream, range);
        const missed = rest.flatMap((part) => {
          return place === undefined ? [part] : change(place, { ...part, attempt: range.attempt }).missed;
        });
        return [...own, ...missed].map(({ first, last }) => ({ first, last, attempt: range.attempt }));
      });
      if (missed.length > 0) stale.push({ stream, ranges: missed });
      pieces += missed.length;
    }
    if (pieces > STALE_RANGES_MAX) throw tooManyStale(pieces);
    return stale;
  }
}

/** The first range that begins within another. */
function overlapOf(ranges: readonly SequenceRange[]): SequenceRange | undefined {
  const inOrder = ranges.toSorted((a, b) => a.first - b.first);
  return inOrder.find((range, index) => index > 0 && range.first <= inOrder[index - 1]!.last);
}

function staleInTransaction(stream: string, { first, last, attempt }: SequenceRange): SimpleMQError {
  const which = first === last ? `message ${first}` : `messages ${first} to ${last}`;
  return new StaleAck(
    `the transaction acks ${which} of '${stream}' in attempt ${attempt}, which this follower does not hold (any more), or ` +
      'acks it twice; nothing of it was done',
    { details: { stream, first, last, attempt } },
  );
}

function tooManyStale(ranges: number): SimpleMQError {
  return new StaleAck(
    `${ranges} ranges of the request came too late, more than the ${STALE_RANGES_MAX} that an answer names; the rest ` +
      'of it was carried out',
  );
}
