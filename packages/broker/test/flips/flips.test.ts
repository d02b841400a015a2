import { expect, test } from 'vitest';
import { describeFlip, runFlips } from './flips.ts';

const FLIPS = 100;
/** The same flips each time; others are for `npm run test:flips`. */
const SEED = 2_000;

test('a bit that flips, a sector that is lost and a file that is cut are never served for what was published', async () => {
  const violated = await runFlips({ flips: FLIPS, seed: SEED });
  expect(violated.map(describeFlip)).toEqual([]);
});
