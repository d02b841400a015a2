import { expect, test } from 'vitest';
import { describeViolation, PAIRS, runPairwise } from './pairwise.ts';

/** Enough for each of the settings to have several loads. */
const RUNS = 200;

test('all features at once: every promise holds, through restarts and crashes, for every pair of settings', {
  timeout: 600_000,
}, async () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const { violations, pairs } = await runPairwise({ runs: RUNS, seed });
  expect(violations.map((violation) => describeViolation(violation)).join('\n\n')).toBe('');
  expect(pairs.size).toBe(PAIRS);
});
