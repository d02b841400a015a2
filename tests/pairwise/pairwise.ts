import fc from 'fast-check';
import { Run } from './run.ts';
import { pairsOf, type Settings, settings } from './settings.ts';
import { type Step, steps } from './steps.ts';

export interface PairwiseOptions {
  readonly runs: number;
  readonly seed?: number;
  /** Called after each run. */
  readonly onRun?: (pairs: ReadonlySet<string>) => void;
}

async function runOnce(drawn: Settings, load: readonly Step[]): Promise<void> {
  await using run = await Run.open(drawn);
  for (const step of load) await run.step(step);
  await run.drain();
  await run.checkEnd();
}

/** Random streams under random loads; rejects with the shortest case that breaks an invariant. */
export async function runPairwise({ runs, seed, onRun }: PairwiseOptions): Promise<ReadonlySet<string>> {
  const pairs = new Set<string>();
  const property = fc.asyncProperty(settings, steps, async (drawn, load) => {
    await runOnce(drawn, load);
    for (const pair of pairsOf(drawn)) pairs.add(pair);
    onRun?.(pairs);
  });
  await fc.assert(property, { numRuns: runs, ...(seed !== undefined && { seed }), endOnFailure: false });
  return pairs;
}
