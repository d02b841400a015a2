import { expect, test } from 'vitest';
import { runPairwise } from './pairwise.ts';
import { PAIRS } from './settings.ts';

test('all features at once on one stream: every promise holds, through restarts and crashes, for every pair of settings', {
  timeout: 300_000,
}, async () => {
  const pairs = await runPairwise({ runs: 200 });
  expect(pairs.size).toBe(PAIRS);
});
