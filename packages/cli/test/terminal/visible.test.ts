import { expect, test } from 'vitest';
import { oneLine, visible } from '../../src/terminal/visible.ts';

test('what a terminal would obey is shown as an escape', () => {
  expect(visible('\u001b[31mred\u0007 \u009b \u202e')).toBe('\\x1b[31mred\\x07 \\x9b \\u202e');
});

test('text, tabs and newlines stay', () => {
  expect(visible('é€😀\tone\ntwo')).toBe('é€😀\tone\ntwo');
});

test('a row of a table has the first line that says something, and tells that there is more', () => {
  expect(oneLine('boom')).toBe('boom');
  expect(oneLine('\n  at\tone\u001b[1m\n two\n')).toBe('at one\\x1b[1m …');
  expect(oneLine('')).toBe('');
});
