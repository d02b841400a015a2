import fc from 'fast-check';
import { type Command, load } from './commands.ts';
import { pairsOf } from './covering-array.ts';
import { play } from './play.ts';
import { ALL_SETTINGS, type Settings } from './settings.ts';

/** From its first failure on, how long a shorter load that fails too is looked for. */
const SHRINK_MS_MAX = 20_000;

export interface PairwiseOptions {
  readonly runs: number;
  readonly seed: number;
  /** Only these of the settings, by their index. */
  readonly only?: number;
  /** Called after each run. */
  readonly onRun?: (pairs: ReadonlySet<string>) => void;
}

/** A load that breaks a promise. */
export interface Violation {
  readonly index: number;
  readonly seed: number;
  readonly path: string;
  readonly load: readonly Command[];
  readonly error: unknown;
}

export interface Verdict {
  readonly violations: readonly Violation[];
  /** Pairs of values of two options that came up together. */
  readonly pairs: ReadonlySet<string>;
}

/** How many pairs there are to come up. */
export const PAIRS: number = new Set(ALL_SETTINGS.flatMap((settings) => pairsOf(settings))).size;

/** Random loads, as many for each of the settings as come to `runs` in all. */
export async function runPairwise(options: PairwiseOptions): Promise<Verdict> {
  const { runs, only, onRun } = options;
  const violations: Violation[] = [];
  const pairs = new Set<string>();
  for (const [index, settings] of ALL_SETTINGS.entries()) {
    if (only !== undefined && index !== only) continue;
    const onPlayed = (): void => {
      for (const pair of pairsOf(settings)) pairs.add(pair);
      onRun?.(pairs);
    };
    const share = only === undefined ? shareOf(runs, index) : runs;
    const violation = share > 0 ? await check(settings, index, share, options, onPlayed) : undefined;
    if (violation !== undefined) violations.push(violation);
  }
  return { violations, pairs };
}

function shareOf(runs: number, index: number): number {
  const count = ALL_SETTINGS.length;
  return Math.floor(runs / count) + (index < runs % count ? 1 : 0);
}

async function check(
  settings: Settings,
  index: number,
  runs: number,
  { seed }: PairwiseOptions,
  onPlayed: () => void,
): Promise<Violation | undefined> {
  let shrinkUntil = Number.POSITIVE_INFINITY;
  const property = fc.asyncProperty(load, async (commands) => {
    // What is not played any more passes, which ends the shrinking.
    if (performance.now() > shrinkUntil) return;
    try {
      await play(settings, commands);
    } catch (error) {
      shrinkUntil = Math.min(shrinkUntil, performance.now() + SHRINK_MS_MAX);
      throw error;
    }
    if (shrinkUntil === Number.POSITIVE_INFINITY) onPlayed();
  });
  const details = await fc.check(property, { numRuns: runs, seed: seed + index });
  if (!details.failed) return undefined;
  const [commands] = details.counterexample!;
  const { counterexamplePath, errorInstance } = details;
  return { index, seed, path: counterexamplePath!, load: commands, error: errorInstance };
}

/** Plays the load of a violation that had this seed and path, several times, as much depends on who is faster. */
export async function replay(
  { index, seed, path }: Pick<Violation, 'index' | 'seed' | 'path'>,
  runs: number,
): Promise<Violation | undefined> {
  const [commands = []] = fc.sample(load, { seed: seed + index, path, numRuns: 1 });
  for (let run = 0; run < runs; run++) {
    try {
      await play(ALL_SETTINGS[index]!, commands);
    } catch (error) {
      return { index, seed, path, load: commands, error };
    }
  }
  return undefined;
}

/** What somebody needs who is to find the fault. */
export function describeViolation({ index, seed, path, load: commands, error }: Violation): string {
  return [
    error instanceof Error ? error.stack : String(error),
    `settings ${index}: ${JSON.stringify(ALL_SETTINGS[index])}`,
    ...commands.map((command) => `  ${JSON.stringify(command)}`),
    `again: npm run test:pairwise -- --seed ${seed} --settings ${index} --path ${path}`,
  ].join('\n');
}
