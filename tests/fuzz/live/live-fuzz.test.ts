import { expect, test } from 'vitest';
import { liveFuzz } from './live-fuzz.ts';

const INPUTS = 10_000;

test('a broker that is sent anything answers or closes, and other clients notice nothing', async () => {
  const report = await liveFuzz({ inputs: INPUTS, seed: Date.now() % 2 ** 31 });
  expect(report.inputs).toBeGreaterThanOrEqual(INPUTS);
  expect(report.closed).toBeGreaterThan(0);
  expect(report.bystanderMessages).toBeGreaterThan(0);
});
