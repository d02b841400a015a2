import { expect, it } from 'vitest';
import { crashRun, type VictimChoice } from './crash-run.ts';

const TEST_TIMEOUT_MS = 240_000;

const cases: [what: string, victim: VictimChoice, kills: number][] = [
  ['a broker that is killed 40 times under load', 'broker', 40],
  ['killing workers and publishers under load', 'any', 10],
];

it.each(cases)('%s breaks no promise', { timeout: TEST_TIMEOUT_MS }, async (_, victim, kills) => {
  const seed = Date.now() % 2 ** 31;
  const { violations, counts } = await crashRun({ kills, seed, victim });
  expect(violations, `seed ${seed}`).toEqual([]);
  // That it was put to the test: otherwise all of it would be true of nothing.
  expect(counts.confirmed).toBeGreaterThan(100);
  expect(counts.awaitedAcks).toBeGreaterThan(100);
  expect(counts.redeliveries).toBeGreaterThan(0);
});
