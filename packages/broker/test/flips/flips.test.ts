import { expect, test } from 'vitest';
import { describeFlip, runFlips } from './flips.ts';

const FLIPS = 100;

test('a bit that flips, a sector that is lost and a file that is cut are never served for what was published', async () => {
  const seed = Date.now() % 2 ** 31;
  const violated = await runFlips({ flips: FLIPS, seed });
  expect(violated.map(describeFlip), `seed ${seed}`).toEqual([]);
});
