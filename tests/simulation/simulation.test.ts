import { describe, expect, test } from 'vitest';
import { Program } from '../e2e/program.ts';
import { KINDS, runSeeds } from './batch.ts';
import { MUTANTS } from './mutants.ts';
import { mutatedEngine } from './mutated-engine.ts';
import { describeFailure } from './report.ts';
import { simulate } from './simulation.ts';

/** The same ones each time: a change is to blame when one fails. Others are for `npm run test:simulation`. */
const FIRST_SEED = 1;
const SEEDS = 2_000;
/** By their numbers; the others are for `npm run test:simulation -- --mutants`. */
const MUTANTS_RUN = [1, 9, 10, 11, 19, 22, 24, 29];

test('whatever crashes, is cut or is full, the broker keeps its promises', { timeout: 300_000 }, async () => {
  const { failures, counts } = await runSeeds({ from: FIRST_SEED, seeds: SEEDS });
  const told = await Promise.all(failures.map((failure) => describeFailure(failure)));
  expect(told.join('\n\n')).toBe('');
  expect(KINDS.filter((kind) => !counts.has(kind))).toEqual([]);
});

test('a seed gives the same run each time', async () => {
  const [first, second] = [await simulate(7), await simulate(7)];
  expect([...second.counts]).toEqual([...first.counts]);
  expect(second.events).toBe(first.events);
});

describe('a broker with a fault', () => {
  test('is noticed, by a short case that shows the same each time', { timeout: 300_000 }, async () => {
    await using program = new Program('tests/simulation/main.ts', [
      '--mutants',
      '--only',
      MUTANTS_RUN.join(','),
    ]);
    const { code } = await program.ended;
    expect(program.lines.filter((line) => !/^\d+: noticed/.test(line))).toEqual([]);
    expect(program.lines).toHaveLength(MUTANTS_RUN.length);
    expect(code).toBe(0);
  });

  test('that cannot be made any more is told of', async () => {
    const gone = { ...MUTANTS[0]!, from: 'a text that is nowhere' };
    await expect(mutatedEngine(gone)).rejects.toThrow('there 0 times');
  });
});
