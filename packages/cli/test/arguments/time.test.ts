import fc from 'fast-check';
import { expect, test } from 'vitest';
import { pastTime, time } from '../../src/arguments/time.ts';

test.each([
  ['2026-05-01T08:30:00Z', '2026-05-01T08:30:00.000Z'],
  ['2026-05-01T08:30:00.5+02:00', '2026-05-01T06:30:00.500Z'],
  ['2026-05-01 08:30Z', '2026-05-01T08:30:00.000Z'],
])('%s is a time', (text, expected) => {
  expect(time(text).toISOString()).toBe(expected);
});

test('without a zone it is that of this machine, for a day as for an hour', () => {
  expect(time('2026-05-01')).toEqual(new Date(2026, 4, 1));
  expect(time('2026-05-01 08:30')).toEqual(new Date(2026, 4, 1, 8, 30));
});

test.each(['', 'yesterday', '5', '2026', '2026-02-30', '2026-13-01', '2026-05-01T25:00', '2h'])(
  '%j is none',
  (text) => {
    expect(() => time(text)).toThrow(/^It must be a time, as /);
  },
);

test('every time is read as it is written', () => {
  const anyTime = fc.date({ min: new Date(0), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true });
  fc.assert(
    fc.property(anyTime, (date) => {
      expect(time(date.toISOString())).toEqual(date);
    }),
  );
});

test('a time in the past may be told by how long ago it was', () => {
  const hourAgo = Date.now() - 3_600_000;
  expect(Math.abs(pastTime('1h').getTime() - hourAgo)).toBeLessThan(10_000);
  expect(pastTime('2026-05-01T08:30:00Z').toISOString()).toBe('2026-05-01T08:30:00.000Z');
  // A number without a unit would be a sequence number elsewhere.
  expect(() => pastTime('60000')).toThrow(/how long ago/);
});
