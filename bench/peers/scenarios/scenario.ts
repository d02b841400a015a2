import type { Figures } from '../../role.ts';
import type { Bench } from '../bench.ts';

export interface Scenario {
  readonly id: string;
  readonly title: string;
  /** What is counted in a second, or 'ms' where the figure is a latency. */
  readonly unit: 'messages/s' | 'publishes/s' | 'deliveries/s' | 'requests/s' | 'jobs/s' | 'ms';
  /** What is measured, and what is not. */
  readonly about: string;
  run(bench: Bench): Promise<Figures>;
}
