import { CONSUME } from './consume.ts';
import { JOBS } from './jobs.ts';
import { LATENCY } from './latency.ts';
import { AWAITED, PUBLISH } from './publish.ts';
import { REQUESTS } from './requests.ts';
import { ROUTING } from './routing.ts';
import type { Scenario } from './scenario.ts';

export const SCENARIOS: readonly Scenario[] = [
  ...PUBLISH,
  ...CONSUME,
  ...AWAITED,
  ...LATENCY,
  ...ROUTING,
  ...REQUESTS,
  ...JOBS,
];
