import { runSeeds } from './batch.ts';
import { minimise, planWith } from './minimise.ts';
import type { Mutant } from './mutants.ts';
import { mutatedEngine } from './mutated-engine.ts';
import { simulate } from './simulation.ts';

export interface Found {
  readonly isFound: boolean;
  readonly told: string;
}

/** Whether the mutant is noticed within its seeds, and by a short case that shows the same each time. */
export async function findMutant(mutant: Mutant): Promise<Found> {
  await using engine = await mutatedEngine(mutant);
  const { open } = engine;
  const { name, seedsMax } = mutant;
  const { runs, failures } = await runSeeds({ from: 1, seeds: seedsMax, open });
  const [failure] = failures;
  if (failure === undefined) return { isFound: false, told: `NOT NOTICED in ${seedsMax} seeds: ${name}` };
  const { seed, violation } = failure;
  const { kept, verdict } = await minimise(seed, violation.rule, open);
  const again = await simulate(seed, { plan: planWith(seed, kept), open });
  const isSame =
    again.violation?.text === verdict.violation?.text && again.violation?.atMs === verdict.violation?.atMs;
  const by = `by '${violation.rule}' in ${runs} of ${seedsMax} seeds, ${kept.length} commands are enough`;
  if (!isSame) return { isFound: false, told: `NOT THE SAME AGAIN, ${by}: ${name}` };
  return { isFound: true, told: `noticed ${by}: ${name}` };
}
