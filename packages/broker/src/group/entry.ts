import type { Lease } from './lease.ts';

/** What a range of pending entries is in: leased to a follower, or waiting to be delivered again. */
export type EntryState = Lease | Waiting;

/** Entries that wait for their redelivery. */
export interface Waiting {
  readonly kind: 'waiting';
  /** The attempt that the redelivery will be. */
  readonly attempt: number;
  /** When it may be delivered, by the monotonic clock; 0 for at once. */
  readonly dueAt: number;
  /** When it was delivered last, in milliseconds since 1970 UTC. */
  readonly deliveredAt: number;
}

export interface Span {
  readonly first: number;
  readonly last: number;
}
