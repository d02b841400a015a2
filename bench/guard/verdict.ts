import type { Measured } from '../report.ts';
import { median } from '../report.ts';
import type { Scenario } from '../scenarios.ts';

export interface Verdict {
  readonly scenario: Scenario;
  readonly here: number;
  readonly there: number;
  /** How many times as fast the working tree is: the median over the rounds, of what ran side by side in each. */
  readonly ratio: number;
  readonly passes: boolean;
}

/** A rate is better when it is higher, a latency when it is lower. */
export function verdictOn(scenario: Scenario, here: Measured, there: Measured, least: number): Verdict {
  const ratios = here.values.map((value, round) => {
    const other = there.values[round]!;
    return scenario.unit === 'ms' ? other / value : value / other;
  });
  const ratio = median(ratios);
  return {
    scenario,
    here: median(here.values),
    there: median(there.values),
    ratio,
    passes: ratio >= least,
  };
}
