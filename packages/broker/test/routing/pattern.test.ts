import { PATTERN_LENGTH_MAX } from '@simplemq/protocol';
import { describe, expect, test } from 'vitest';
import { Pattern } from '../../src/routing/pattern.ts';

describe('a pattern', () => {
  test.each([
    ['world', 'hello_world', true],
    ['^world', 'hello_world', false],
    ['.+_world', 'hello_world', true],
    ['.+_world', '_world', false],
    ['^orders\\.(eu|us)$', 'orders.us', true],
    ['^orders\\.(eu|us)$', 'orders.us.old', false],
    ['(?i)ORDERS', 'orders', true],
    ['', 'anything', true],
    ['^\\p{Greek}+$', 'αβγ', true],
  ])('%j is found in %j as RegExp.test would: %j', (source, name, expected) => {
    expect(new Pattern(source).matches(name)).toBe(expected);
  });

  test.each([
    ['.*', false],
    ['', false],
    ['dead', false],
    ['^.dead', false],
    ['(\\$dead)', false],
    ['[$]dead', false],
    ['\\$dead', true],
    ['^\\$dead\\.', true],
    ['^\\$other', false],
  ])("%j matches the broker's own stream `$dead.orders`: %j", (source, expected) => {
    expect(new Pattern(source).matches('$dead.orders')).toBe(expected);
  });

  test.each([
    ['*a', 0],
    ['a(?=b)', 1],
    ['a(?!b)', 1],
    ['a(?<=b)', 1],
    ['ab**', 2],
    ['orders[z-a]', 7],
    ['orders[', 6],
    ['a{2000}', 1],
    ['(a)\\1', 3],
  ])('%j is not valid, and the error says so at position %j', (source, position) => {
    expect(() => new Pattern(source)).toThrow(
      expect.objectContaining({ code: 'InvalidPattern', details: { pattern: source, position } }),
    );
    expect(() => new Pattern(source)).toThrow(`at position ${position}`);
  });

  test('is not longer than its limit', () => {
    expect(() => new Pattern('a'.repeat(PATTERN_LENGTH_MAX))).not.toThrow();
    expect(() => new Pattern('a'.repeat(PATTERN_LENGTH_MAX + 1))).toThrow(/1025 characters.*1024/);
  });

  test.each(['(a+)+$', '(a|aa)+$', '(.*)*x', '(a*)*b', '((a{0,20}){0,20})$'])(
    'takes linear time: %j on the longest name',
    (source) => {
      const pattern = new Pattern(source);
      const name = `${'a'.repeat(254)}!`;
      // With backtracking, this takes longer than the universe has lasted.
      for (let i = 0; i < 20; i++) pattern.matches(name);
    },
  );

  test.each(['((a{100}){100}){100}', '(((((a{10}){10}){10}){10}){10}){10}'])(
    'that would take a large program is refused: %j',
    (source) => {
      expect(() => new Pattern(source)).toThrow(expect.objectContaining({ code: 'InvalidPattern' }));
    },
  );
});
