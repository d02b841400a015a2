import type { GroupOptions } from '@simplemq/protocol';
import type { Stage } from './jobs.ts';

/** What a process of a stage is told. */
export interface StageOptions {
  readonly stage: Stage;
  readonly name: string;
  readonly port: number;
}

export const GROUP = 'stage';
export const DELIVERIES_MAX = 3;
/** Of every stage; a poison job is dead soon. */
export const GROUP_OPTIONS: Required<Pick<GroupOptions, 'retry'>> = {
  retry: { maxDeliveries: DELIVERIES_MAX, delayMs: 20, factor: 2, maxDelayMs: 100, jitter: 0.5 },
};
