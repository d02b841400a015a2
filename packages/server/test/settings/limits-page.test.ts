import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { DEFINITIONS, SETTING_KEYS } from '../../src/settings/definitions.ts';
import { limitsPage, PAGE, SETTINGS } from './limits-page.ts';

test('docs/LIMITS.md has every limit as it is; rewrite-limits.ts writes it anew', () => {
  expect(readFileSync(PAGE, 'utf8')).toBe(limitsPage());
});

test('every setting that is an amount, but the port, is on that page', () => {
  const amounts = SETTING_KEYS.filter((key) => {
    const { fallback, kind } = DEFINITIONS[key];
    return typeof fallback === 'number' || kind.expected.startsWith('a size');
  });
  expect(Object.keys(SETTINGS).sort()).toEqual(amounts.filter((key) => key !== 'port').sort());
});
