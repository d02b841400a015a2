import { expect, test } from 'vitest';
import { loadCases } from './cases.ts';
import { runCase } from './run-case.ts';

/** The rest is for `npm run test:load`. */
const SIZE = 0.03;
const SECONDS = 0.5;

test.each(loadCases(SIZE))(
  '$title: memory stays below a bound, and another client has its messages in order',
  {
    timeout: 120_000,
  },
  async (load) => {
    const report = await runCase(load, { seconds: SECONDS });
    expect(report.problems).toEqual([]);
    expect(report.during.messages).toBeGreaterThan(0);
    expect(report.after.messages).toBeGreaterThan(0);
  },
);
