import { monotonicMs } from '../clock.ts';
import type { DeliveredRun } from '../engine/engine.ts';
import { type Lease, LeaseList } from './lease.ts';

/** What a follower that shares its credit over many groups needs of each. */
export interface WaitingGroup {
  /** Whether it waits for a read from the store. */
  readonly isLoading: boolean;
  dispatch(): void;
}

/** What a group needs of a follower. */
export interface GroupFollower {
  readonly id: number;
  readonly client: string;
  readonly leaseMs: number;
  /** How many more messages it takes now; 0 when it is closed, has no credit or its sink is full. */
  readonly capacity: number;
  /** How many more bytes its credit allows; one message may go past it. */
  readonly bytesCapacity: number;
  deliver(run: DeliveredRun): void;
  /** There is something for it in the group when it has capacity again. */
  waitFor(group: WaitingGroup): void;
  /** A read that the group waited for is done, and what it brought was offered. */
  loaded(group: WaitingGroup): void;
}

/** A follower in one group, with the leases that it holds there. */
export class Membership {
  readonly follower: GroupFollower;
  readonly leases: LeaseList = new LeaseList();
  readonly #onExpired: (membership: Membership) => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(follower: GroupFollower, onExpired: (membership: Membership) => void) {
    this.follower = follower;
    this.#onExpired = onExpired;
  }

  hold(lease: Lease): void {
    this.leases.append(lease);
    this.leases.live += lease.live;
    this.#timer ??= this.#arm(lease);
  }

  /** Arms the timer for the oldest lease. Acks do not touch it: it is looked at again when it fires. */
  rearm(): void {
    const { oldest } = this.leases;
    this.#timer = oldest === undefined ? undefined : this.#arm(oldest);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #arm(lease: Lease): NodeJS.Timeout {
    return setTimeout(() => this.#onExpired(this), Math.max(1, lease.deadline - monotonicMs())).unref();
  }
}
