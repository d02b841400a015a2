import { expect, it } from 'vitest';
import { chainRun } from './chain-run.ts';

const TEST_TIMEOUT_MS = 80_000;
const KILLS = 5;

it('a chain of workers under kills does each job exactly once, and buries the poison ones', {
  timeout: TEST_TIMEOUT_MS,
}, async () => {
  const seed = Date.now() % 2 ** 31;
  const { violations, counts } = await chainRun({ kills: KILLS, seed, victim: 'any' });
  expect(violations, `seed ${seed}`).toEqual([]);
  // That it was put to the test: otherwise all of it would be true of nothing.
  expect(counts.jobs).toBeGreaterThan(100);
  expect(counts.letters).toBeGreaterThan(0);
  expect(counts.brokerKills + counts.stageKills).toBeGreaterThanOrEqual(KILLS);
});
