import { expect, test } from 'vitest';
import { visible } from '../../src/terminal/visible.ts';

test('what a terminal would obey is shown as an escape', () => {
  expect(visible('\u001b[31mred\u0007 \u009b \u202e')).toBe('\\x1b[31mred\\x07 \\x9b \\u202e');
});

test('text, tabs and newlines stay', () => {
  expect(visible('é€😀\tone\ntwo')).toBe('é€😀\tone\ntwo');
});
