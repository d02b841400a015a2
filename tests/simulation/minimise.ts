import type { OpenEngine } from './broker-process.ts';
import { type Plan, planOf } from './plan.ts';
import type { Rule } from './rules.ts';
import { simulate, type Verdict } from './simulation.ts';

/** Runs that are tried, at the most. */
const TRIES_MAX = 400;

export interface MinimalCase {
  readonly plan: Plan;
  /** Which of the commands of the seed's plan are left. */
  readonly kept: readonly number[];
  readonly verdict: Verdict;
}

/** The plan of a seed with only some of its commands. */
export function planWith(seed: number, kept: readonly number[]): Plan {
  const plan = planOf(seed);
  return { ...plan, commands: kept.map((index) => plan.commands[index]!) };
}

/** Takes commands out for as long as the same rule stays broken: halves first, then quarters, and at last one by one. */
export async function minimise(seed: number, rule: Rule, open?: OpenEngine): Promise<MinimalCase> {
  const run = (plan: Plan): Promise<Verdict> => simulate(seed, { plan, ...(open && { open }) });
  const all = planOf(seed).commands.map((_, index) => index);
  let kept = all;
  let verdict = await run(planWith(seed, kept));
  let tries = 0;
  for (let size = Math.ceil(kept.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let start = 0; start < kept.length && tries < TRIES_MAX; tries++) {
      const fewer = [...kept.slice(0, start), ...kept.slice(start + size)];
      const tried = await run(planWith(seed, fewer));
      if (tried.violation?.rule !== rule) start += size;
      else {
        kept = fewer;
        verdict = tried;
      }
    }
  }
  return { plan: planWith(seed, kept), kept, verdict };
}
