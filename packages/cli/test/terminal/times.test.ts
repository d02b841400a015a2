import { expect, test } from 'vitest';
import { relative } from '../../src/terminal/times.ts';

test('times are told by their distance from now', () => {
  const now = Date.parse('2026-05-01T08:30:00Z');
  const at = (ms: number) => relative(new Date(now + ms), now);
  expect([at(-3_400), at(0), at(7_500_000)]).toEqual(['3.4 s ago', '0 ms ago', 'in 2 h 5 min']);
});
