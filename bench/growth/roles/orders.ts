import type { Orders } from '../../role.ts';

export interface GrowthOrders extends Orders {
  /** The broker's process, whose memory a role may look at. */
  readonly pid: number;
}
