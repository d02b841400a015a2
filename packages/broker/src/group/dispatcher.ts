import { monotonicMs, TIMER_MS_MAX } from '../clock.ts';
import { type GroupLane, LOADING } from './group-lane.ts';
import type { GroupSettings } from './group-settings.ts';
import type { Membership, WaitingGroup } from './membership.ts';
import { RateLimit } from './rate-limit.ts';

/**
 * Messages that one follower holds of a group that orders or limits by key, at the most: what lies in its buffer holds
 * up the keys that it is of, and breaks the runs of others.
 */
const KEYED_HELD_MAX = 256;

/** What a dispatcher needs of its group. */
export interface DispatcherGroup extends WaitingGroup {
  readonly settings: GroupSettings;
  /** The most urgent lane comes first. */
  readonly lanes: readonly GroupLane[];
  /** In the order in which they came. */
  readonly members: readonly Membership[];
  /** Whether its messages wait for one another by key. */
  readonly isKeyed: boolean;
}

/** Hands out what there is to those who have credit, until one of the two is used up. */
export class Dispatcher {
  readonly #group: DispatcherGroup;
  // Where the next round of cutting begins, so that nobody is always first.
  #turn = 0;
  #rate: RateLimit | undefined;
  #isDispatching = false;
  #isClosed = false;
  #timer: NodeJS.Timeout | undefined;
  // What the last round went by: what became due since, or was allowed since, is for the timer.
  #lookedAt = 0;
  #isOverRate = false;
  /** Messages given from a lane in a row while a less urgent one had some too, and whose turn it is after that. */
  #inARow = 0;
  #yieldTurn = 0;

  constructor(group: DispatcherGroup) {
    this.#group = group;
    this.settingsChanged();
  }

  settingsChanged(): void {
    const { ratePerSecond } = this.#group.settings;
    if (ratePerSecond === (this.#rate?.perSecond ?? 0)) return;
    this.#rate = ratePerSecond > 0 ? new RateLimit(ratePerSecond, this.#rate) : undefined;
  }

  dispatch(): void {
    if (this.#isDispatching || this.#isClosed) return;
    this.#isDispatching = true;
    try {
      while (this.#round()) {}
      this.#armTimer();
    } finally {
      this.#isDispatching = false;
    }
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  /** @returns whether another round may bring something */
  #round(): boolean {
    const now = monotonicMs();
    this.#lookedAt = now;
    this.#isOverRate = false;
    let available = 0;
    for (const lane of this.#group.lanes) available += lane.available(now);
    if (available === 0) return false;
    const ready = this.#readyMembers();
    if (ready.length === 0) return false;
    const allowed = Math.min(available, this.#rate?.allowance ?? available);
    this.#isOverRate = allowed === 0;
    // Fair: each takes a share of what is there, not all of it.
    const share = Math.ceil(allowed / ready.length);
    let delivered = 0;
    this.#turn = (this.#turn + 1) % ready.length;
    for (let i = 0; i < ready.length; i++) {
      const member = ready[(this.#turn + i) % ready.length]!;
      const count = this.#deliverTo(member, Math.min(share, allowed - delivered));
      this.#rate?.take(count);
      delivered += count;
    }
    return delivered > 0;
  }

  /** Those who have credit; those who have not are told to ask when they have. */
  #readyMembers(): Membership[] {
    const { members, settings } = this.#group;
    const active = settings.exclusive ? members.slice(0, 1) : members;
    const ready = active.filter((member) => this.#capacityOf(member) > 0);
    if (ready.length < active.length) {
      for (const { follower } of active) if (follower.capacity === 0) follower.waitFor(this.#group);
    }
    return ready;
  }

  /** How many more it may be given now. In a keyed group the commit of its acks, which dispatches, makes room for more. */
  #capacityOf({ follower, leases }: Membership): number {
    const { capacity } = follower;
    return this.#group.isKeyed ? Math.max(0, Math.min(capacity, KEYED_HELD_MAX - leases.live)) : capacity;
  }

  /** @returns how many messages the member got; fewer than `share` when it or the data gave out */
  #deliverTo(member: Membership, share: number): number {
    let left = share;
    while (left > 0) {
      const capacity = Math.min(left, this.#capacityOf(member));
      if (capacity === 0) break;
      const count = this.#deliverOnce(member, capacity);
      if (count === 0) break;
      left -= count;
    }
    return share - left;
  }

  /** The most urgent lane that has something goes first, also when that has to be read from the store. */
  #deliverOnce(member: Membership, countMax: number): number {
    const { lanes, settings } = this.#group;
    if (!this.#readKeys()) return 0;
    if (lanes.length === 1) return Math.max(0, lanes[0]!.deliver(member, countMax));
    const yieldEvery = settings.yieldEvery;
    if (yieldEvery > 0 && this.#inARow >= yieldEvery) {
      const count = this.#yield(member);
      if (count !== 0) return Math.max(0, count);
    }
    for (let i = 0; i < lanes.length; i++) {
      const isLast = yieldEvery === 0 || !this.#hasLess(i);
      const most = isLast ? countMax : Math.min(countMax, Math.max(1, yieldEvery - this.#inARow));
      const count = lanes[i]!.deliver(member, most);
      if (count === LOADING) return 0;
      if (count === 0) continue;
      this.#inARow = isLast ? 0 : this.#inARow + count;
      return count;
    }
    return 0;
  }

  /**
   * What was there before the broker started goes through the gate before anything fresh does, of whatever lane: first
   * that which was delivered, as it has its places there.
   */
  #readKeys(): boolean {
    const { lanes } = this.#group;
    return lanes.every((lane) => lane.readKeys('delivered')) && lanes.every((lane) => lane.readKeys('all'));
  }

  /** One message of a less urgent lane than the first that has something; those lanes take turns. */
  #yield(member: Membership): number {
    const now = monotonicMs();
    const waiting = this.#group.lanes.filter((lane) => lane.available(now) > 0).slice(1);
    for (let i = 0; i < waiting.length; i++) {
      const lane = waiting[(this.#yieldTurn + i) % waiting.length]!;
      const count = lane.deliver(member, 1);
      // What has to be read from the store keeps its turn until it is.
      if (count === LOADING) return LOADING;
      if (count === 0) continue;
      this.#inARow = 0;
      this.#yieldTurn++;
      return count;
    }
    this.#inARow = 0;
    return 0;
  }

  /** Whether a lane behind the one at `index` has something. */
  #hasLess(index: number): boolean {
    const now = monotonicMs();
    const { lanes } = this.#group;
    for (let i = index + 1; i < lanes.length; i++) if (lanes[i]!.available(now) > 0) return true;
    return false;
  }

  /** For what is due later, and for what the rate allows later. */
  #armTimer(): void {
    clearTimeout(this.#timer);
    const now = monotonicMs();
    let wakeAt = Number.POSITIVE_INFINITY;
    for (const lane of this.#group.lanes) {
      const dueAt = lane.ledger.queue.nextDueAt;
      // What was due already waits for credit, and whoever gives some dispatches.
      if (dueAt !== undefined && dueAt > this.#lookedAt) wakeAt = Math.min(wakeAt, dueAt);
    }
    if (this.#rate !== undefined && this.#isOverRate) wakeAt = Math.min(wakeAt, now + this.#rate.waitMs);
    if (wakeAt === Number.POSITIVE_INFINITY) return;
    const delayMs = Math.min(TIMER_MS_MAX, Math.max(1, Math.ceil(wakeAt - now)));
    this.#timer = setTimeout(() => this.dispatch(), delayMs).unref();
  }
}
