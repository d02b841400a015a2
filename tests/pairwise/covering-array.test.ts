import fc from 'fast-check';
import { expect, test } from 'vitest';
import { coveringArray, pairsOf } from './covering-array.ts';
import { ALL_SETTINGS } from './settings.ts';

test('every pair of values is in some row, and each row brings one', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 2, maxLength: 7 });
  fc.assert(
    fc.property(sizes, (all) => {
      const options = Object.fromEntries(
        all.map((size, index) => [`option ${index}`, Array.from({ length: size }, (_, value) => value)]),
      );
      const rows = coveringArray(options as Record<string, number[]>);
      const wanted = all
        .flatMap((a, index) => all.slice(index + 1).map((b) => a * b))
        .reduce((sum, n) => sum + n, 0);
      expect(new Set(rows.flatMap((row) => pairsOf(row))).size).toBe(wanted);
      expect(rows.length).toBeLessThanOrEqual(wanted);
    }),
  );
});

test('the settings of the runs are few, and differ', () => {
  expect(ALL_SETTINGS.length).toBeLessThan(40);
  expect(new Set(ALL_SETTINGS.map((settings) => JSON.stringify(settings))).size).toBe(ALL_SETTINGS.length);
});
