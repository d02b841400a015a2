import { describe, expect, it } from 'vitest';
import { type ChainOutcome, type ChainRule, checkChain, diedOfKills, type Letter } from './check-chain.ts';
import { poisonError, poisonedAt, resultOf, type Stage } from './jobs.ts';

const NUMBERS = Array.from({ length: 100 }, (_, index) => index + 1);
const GOOD = NUMBERS.find((number) => poisonedAt(number) === undefined)!;
const POISON = NUMBERS.find((number) => poisonedAt(number) === 'b')!;

function rulesBroken(outcome: Partial<ChainOutcome>): ChainRule[] {
  const whole = { confirmed: new Set<number>(), refused: new Map(), results: [], letters: [], ...outcome };
  return [...checkChain(whole)].map(({ rule }) => rule);
}

function letter(number: number, more: Partial<Letter> = {}): Letter {
  const attempts = [1, 2, 3].map((attempt) => ({ attempt, cause: 'nack', error: poisonError(number, 'b') }));
  return { stage: 'b', sequence: 1, number, cause: 'maxDeliveries', attempts, ...more };
}

function endedBy(causes: readonly string[], stage: Stage = 'b'): Letter['attempts'] {
  return causes.map((cause, index) => ({
    attempt: index + 1,
    cause,
    error: cause === 'nack' ? poisonError(POISON, stage) : 'killed',
  }));
}

describe('a chain in which all is well', () => {
  it('has one result for each good job and one dead letter for each poison one', () => {
    const confirmed = new Set([GOOD, POISON]);
    const results = [resultOf(GOOD)];
    expect(rulesBroken({ confirmed, results, letters: [letter(POISON)] })).toEqual([]);
  });

  it('may have attempts that a kill ended', () => {
    const attempts = endedBy(['nack', 'disconnected', 'unknown']);
    expect(rulesBroken({ confirmed: new Set([POISON]), letters: [letter(POISON, { attempts })] })).toEqual(
      [],
    );
  });
});

describe('a broken promise is found', () => {
  const good = new Set([GOOD]);
  const poison = new Set([POISON]);
  const twoAttempts = letter(POISON, { attempts: letter(POISON).attempts.slice(1) });
  const cases: [ChainRule, Partial<ChainOutcome>][] = [
    ['refused', { refused: new Map([[GOOD, 'StorageFull']]) }],
    ['missing', { confirmed: good }],
    ['twice', { confirmed: good, results: [resultOf(GOOD), resultOf(GOOD)] }],
    ['wrong', { confirmed: good, results: [{ number: GOOD, value: 1 }] }],
    ['wrong', { results: [resultOf(GOOD)] }],
    ['poisonPassed', { confirmed: poison, results: [resultOf(POISON)], letters: [letter(POISON)] }],
    ['poisonLost', { confirmed: poison }],
    ['poisonTwice', { confirmed: poison, letters: [letter(POISON), letter(POISON)] }],
    ['attempts', { confirmed: poison, letters: [twoAttempts] }],
    ['attempts', { confirmed: poison, letters: [letter(POISON, { attempts: endedBy(['nack'], 'a') })] }],
    ['attempts', { confirmed: poison, letters: [letter(POISON, { cause: 'rejected' })] }],
    ['goodDied', { confirmed: good, results: [resultOf(GOOD)], letters: [letter(GOOD)] }],
  ];

  it.each(cases)('%s (%#)', (rule, outcome) => {
    expect(rulesBroken(outcome)).toContain(rule);
  });
});

it('a job died of kills when no handler refused it, where it is no poison', () => {
  const attempts = endedBy(['disconnected', 'unknown', 'disconnected']);
  expect(diedOfKills(letter(GOOD, { attempts }))).toBe(true);
  expect(diedOfKills(letter(GOOD))).toBe(false);
  expect(diedOfKills(letter(POISON, { attempts }))).toBe(false);
  expect(diedOfKills(letter(POISON, { attempts, stage: 'a' }))).toBe(true);
});
