import type { PeerOrders } from '../peer-role.ts';

export interface PacedOrders extends PeerOrders {
  readonly ratePerSecond: number;
  readonly seconds: number;
}

/** Messages are meant to be sent a millisecond's worth at a time. */
export const TICK_MS = 1;
/** What was meant to be sent in the first second is not counted: nothing has run before then. */
export const WARM_UP_MS = 1_000;
/** A peer that needs longer than this share of the time does not keep up. */
const PATIENCE = 2;

/** When a role gives up, in ms from its start. */
export function patienceMs(seconds: number): number {
  return (seconds * PATIENCE + 5) * 1_000;
}

/** A clock that all processes of the machine share, in ms. */
export function sharedNow(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
