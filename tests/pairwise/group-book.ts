import type { Delivery } from '../../packages/broker/test/recording-follower.ts';
import type { Journal } from './journal.ts';
import { type Member, wrongCredit } from './member.ts';
import { OrderCheck } from './order-check.ts';
import { type Failed, isOut, newProgress, type Progress, recover } from './progress.ts';
import { type Entry, keyOf, priorityOf, ttlOf } from './publication.ts';
import { RateCheck } from './rate-check.ts';
import type { GroupSettings } from './settings.ts';
import type { StreamBook } from './stream-book.ts';

/** How late the look at the clock may be that follows the broker's own, in ms. */
const LATE_MS = 20;
/** A due time outlives a restart by the wall clock, which tells whole milliseconds. */
const RESTART_SLACK_MS = 2;

/** What one group was given, and what became of it: says of each delivery whether it may be. */
export class GroupBook {
  readonly name: string;
  readonly stream: StreamBook;
  readonly settings: GroupSettings;
  /** In the order in which they joined. */
  readonly members: Member[] = [];
  /** What comes before it is not delivered. */
  start: number;
  /** What comes before it was never the group's. */
  origin: number;
  isDeleted = false;
  resets = 0;
  readonly #journal: Journal;
  readonly #progress = new Map<number, Progress>();
  #order: OrderCheck;
  #rate: RateCheck;

  constructor(stream: StreamBook, name: string, settings: GroupSettings, start: number, journal: Journal) {
    this.stream = stream;
    this.name = name;
    this.settings = settings;
    this.start = start;
    this.origin = start;
    this.#journal = journal;
    this.#order = new OrderCheck(this.keyLimit > 0);
    this.#rate = new RateCheck(settings.ratePerSecond);
  }

  get all(): Iterable<Progress> {
    return this.#progress.values();
  }

  get(sequence: number): Progress | undefined {
    return this.#progress.get(sequence);
  }

  /** Messages of one key that may be out at a time; 0 for any number. */
  get keyLimit(): number {
    return this.settings.ordering === 'key' ? 1 : this.settings.keyConcurrency;
  }

  held(member: Member): Progress[] {
    return [...this.all].filter(({ state, holder }) => state === 'held' && holder === member);
  }

  /** Whether the message is the group's at all. */
  isFor({ sequence, group }: Entry): boolean {
    return sequence >= this.start && (group === undefined || group === this.name);
  }

  /** Whether it is done with the message, or never is to get it. One of another group it has to pass over first. */
  isThrough({ sequence }: Entry): boolean {
    const progress = this.#progress.get(sequence);
    const isBuried = progress?.state === 'dying' && progress.isBuried;
    return sequence < this.start || progress?.state === 'done' || isBuried;
  }

  /** As isThrough, also where that is not known for certain. */
  mayBeThrough(entry: Entry): boolean {
    const progress = this.#progress.get(entry.sequence);
    if (this.isThrough(entry) || !this.isFor(entry) || this.mayBeExpired(entry)) return true;
    if (progress === undefined) return false;
    if (progress.state === 'held') return this.mayHaveDied(progress);
    return progress.state !== 'waiting' || progress.next.has('done') || progress.next.has('dead');
  }

  /** Whether the lease of its last delivery is over. */
  mayHaveDied({ state, deadline, attempt }: Progress): boolean {
    const { maxDeliveries } = this.settings.retry;
    return state === 'held' && attempt >= maxDeliveries && deadline <= performance.now() + LATE_MS;
  }

  /** @throws Error when this delivery is one that must not be */
  delivered(member: Member, { sequence, attempt, attributes }: Delivery, entry: Entry, time: number): void {
    const now = performance.now();
    const known = this.#progress.get(sequence);
    if (known?.state === 'held' && known.deadline <= now + LATE_MS) this.#expire(known);
    const progress = known ?? newProgress(entry);
    const wrong =
      this.#wrongState(progress, attempt, now) ??
      this.#wrongMember(member) ??
      this.#wrongTime(progress, time, now) ??
      this.#wrongKey(progress) ??
      (progress.attempt === 0 ? this.#order.take(entry) : undefined) ??
      this.#moreUrgent(entry);
    if (wrong !== undefined) throw new Error(wrong);
    if (attributes.group !== entry.group) throw new Error(`for the group '${attributes.group}'`);
    this.#progress.set(sequence, progress);
    progress.state = 'held';
    progress.attempt = attempt;
    progress.holder = member;
    progress.deadline = now + member.leaseMs;
    progress.trail.add(this.#journal.tick(), attempt + 1);
  }

  #wrongState(
    { state, next, notBefore, entry, deadline }: Progress,
    attempt: number,
    now: number,
  ): string | undefined {
    if (!this.isFor(entry)) return `it is not for this group, which begins at ${this.start}`;
    if (state === 'held') return `it is held for ${Math.round(deadline - now)} ms more`;
    if (state !== 'waiting' && state !== 'free') return `it is ${state}`;
    if (!next.has(attempt)) return `the next is ${[...next]}`;
    if (attempt > this.settings.retry.maxDeliveries) return `more than ${this.settings.retry.maxDeliveries}`;
    if (now < notBefore) return `${notBefore - now} ms before its delay is over`;
    return this.#rate.take(now) ? undefined : 'above the rate';
  }

  #wrongMember(member: Member): string | undefined {
    const isOther = this.settings.exclusive && this.members[0] !== member;
    return wrongCredit(member) ?? (isOther ? 'another follower is the only one to get some' : undefined);
  }

  #wrongTime({ entry }: Progress, time: number, now: number): string | undefined {
    const { askedAt, attributes } = entry.publication;
    const early = askedAt + (attributes.delayMs ?? 0) - this.stream.clockSlackMs - now;
    if (entry.group === undefined && early > 0) return `${early} ms before it is due`;
    const late = Date.now() - time - (ttlOf(entry) ?? Number.POSITIVE_INFINITY);
    return late > LATE_MS ? `${late} ms after its ttl` : undefined;
  }

  /** One message of a key at a time, or as many as there may be. */
  #wrongKey({ entry }: Progress): string | undefined {
    const key = keyOf(entry);
    if (this.keyLimit === 0 || key === undefined || this.stream.trims) return undefined;
    const out = [...this.all].filter((other) => {
      if (other.entry === entry || keyOf(other.entry) !== key || !isOut(other)) return false;
      return !this.mayBeExpired(other.entry) && !this.mayHaveDied(other);
    });
    if (out.length < this.keyLimit) return undefined;
    return `${out.map((other) => other.entry.sequence)} of its key are out`;
  }

  mayBeExpired(entry: Entry): boolean {
    const ttlMs = ttlOf(entry);
    if (ttlMs === undefined) return false;
    const { askedAt, attributes } = entry.publication;
    return performance.now() > askedAt + (attributes.delayMs ?? 0) + ttlMs - LATE_MS;
  }

  /** A message of a more urgent lane that was there for certain, and never was delivered. */
  #moreUrgent(entry: Entry): string | undefined {
    if (this.settings.yieldEvery > 0 || this.keyLimit > 0 || this.stream.trims) return undefined;
    for (const other of this.stream.entries.values()) {
      const isUrgent = priorityOf(other) > priorityOf(entry) && ttlOf(other) === undefined;
      if (!isUrgent || !this.isFor(other) || this.#progress.has(other.sequence)) continue;
      if (!this.stream.isGone(other.sequence)) return `${other.sequence} is more urgent`;
    }
    return undefined;
  }

  /** The group is done with it, as others were when it began, or perhaps. */
  begin(entry: Entry, state: 'done' | 'free'): void {
    const progress = { ...newProgress(entry), state };
    if (state === 'done') progress.trail.settle(new Set(['done']));
    this.#progress.set(entry.sequence, progress);
  }

  /** The delivery failed: it comes again, one attempt further, or dies. Without `failed` it is not known of what. */
  fail(
    progress: Progress,
    failed: Omit<Failed, 'attempt' | 'tick'> | undefined,
    delayMs: number | undefined,
  ): void {
    const { retry } = this.settings;
    const { attempt } = progress;
    const tick = this.#journal.tick();
    if (failed !== undefined) progress.failures.push({ ...failed, attempt, tick });
    progress.trail.add(tick, attempt + 1);
    progress.holder = undefined;
    const isDead = attempt >= retry.maxDeliveries;
    const leastMs = retry.delayMs * 2 ** (attempt - 1) * (1 - retry.jitter);
    progress.state = isDead ? 'dying' : 'waiting';
    progress.next = new Set([isDead ? 'dead' : attempt + 1]);
    progress.notBefore = performance.now() + (delayMs ?? Math.floor(leastMs));
  }

  /** It was rejected. */
  reject(progress: Progress, error: string): void {
    const { attempt } = progress;
    const tick = this.#journal.tick();
    progress.failures.push({ attempt, cause: 'rejected', error, tick });
    // Until it is buried it only waits, one attempt further; when that was is not told.
    progress.trail.add(tick, attempt + 1);
    progress.trail.add(Number.POSITIVE_INFINITY, 'dead');
    progress.holder = undefined;
    progress.state = 'dying';
  }

  /** It is in the dead letters. */
  buried(progress: Progress): void {
    progress.isBuried = true;
    progress.trail.settle(new Set(['dead']));
    this.stream.noteDone(progress.entry.sequence);
  }

  /** It was handed back unbegun. */
  release(progress: Progress): void {
    progress.holder = undefined;
    progress.state = 'waiting';
    progress.next = new Set([progress.attempt]);
    progress.notBefore = 0;
    progress.trail.add(this.#journal.tick(), progress.attempt);
  }

  /** An ack is asked for. */
  settle(progress: Progress): void {
    progress.state = 'settling';
    progress.trail.add(this.#journal.tick(), 'done');
  }

  done(progress: Progress): void {
    progress.state = 'done';
    progress.holder = undefined;
    progress.trail.settle(new Set(['done']));
    this.stream.noteDone(progress.entry.sequence);
  }

  /** The ack did not come to be: it is held as before. */
  unsettle(progress: Progress): void {
    progress.state = 'held';
    progress.trail.add(this.#journal.tick(), progress.attempt + 1);
  }

  /** What a lost follower held waits as the retry policy has it; in an exclusive group it comes at once, to keep order. */
  leave(member: Member, isLost: boolean): void {
    const held = this.held(member);
    const delayMs = isLost && !this.settings.exclusive ? undefined : 0;
    this.members.splice(this.members.indexOf(member), 1);
    member.isGone = true;
    for (const progress of held) {
      if (progress.deadline <= performance.now() + LATE_MS) this.fail(progress, undefined, 0);
      else this.fail(progress, { cause: 'disconnected' }, delayMs);
    }
  }

  /** It begins anew at `start`; what it was given before is forgotten. */
  reset(start: number): void {
    for (const progress of this.all) {
      const { holder, entry, attempt } = progress;
      if (progress.state === 'held') holder!.lost.push({ sequence: entry.sequence, attempt });
    }
    this.#progress.clear();
    this.#order = new OrderCheck(this.keyLimit > 0);
    this.start = start;
    this.origin = Math.min(this.origin, start);
    this.resets++;
  }

  /** What comes before this number is gone from the stream. */
  trimmed(sequence: number): void {
    for (const progress of this.all) {
      const { entry, holder, attempt, state } = progress;
      if (entry.sequence >= sequence || state === 'done') continue;
      if (state === 'held') holder!.lost.push({ sequence: entry.sequence, attempt });
      if (state !== 'dying') progress.state = 'done';
    }
  }

  /** The broker was stopped, and is there again: nobody holds anything. */
  restarted(isCrash: boolean): void {
    this.members.length = 0;
    this.#rate = new RateCheck(this.settings.ratePerSecond);
    for (const progress of this.all) {
      progress.notBefore = isCrash ? 0 : progress.notBefore - RESTART_SLACK_MS;
      if (progress.state !== 'free')
        recover(progress, this.#journal.stored, this.settings.retry.maxDeliveries);
    }
  }

  #expire(progress: Progress): void {
    const { holder, entry, attempt, deadline } = progress;
    holder!.lost.push({ sequence: entry.sequence, attempt });
    this.fail(progress, { cause: 'expired' }, undefined);
    progress.notBefore += deadline - LATE_MS - performance.now();
  }
}
