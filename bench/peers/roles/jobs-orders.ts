import type { Orders } from '../../role.ts';
import type { JobSettings } from '../client.ts';

export interface JobsOrders extends Orders {
  /** The URL of the peer's module of jobs. */
  readonly jobs: string;
  readonly settings: JobSettings;
}
