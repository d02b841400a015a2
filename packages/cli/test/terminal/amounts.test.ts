import { expect, test } from 'vitest';
import { count, counted, duration, exactSize, size } from '../../src/terminal/amounts.ts';

test('sizes have the unit that suits them', () => {
  expect([0, 812, 1024, 1.3 * 2 ** 20, 5 * 2 ** 40, 5_000 * 2 ** 40].map(size)).toEqual([
    '0 B',
    '812 B',
    '1.0 KiB',
    '1.3 MiB',
    '5.0 TiB',
    '5000.0 TiB',
  ]);
});

test('exact sizes never round', () => {
  expect([65_536, 8.25 * 2 ** 20, 1_000_001, 12].map(exactSize)).toEqual([
    '64 KiB',
    '8.25 MiB',
    '1000001',
    '12',
  ]);
});

test('times have one or two units', () => {
  expect([0, 12.4, 3_400, 312_000, 7_500_000, 273_600_000].map(duration)).toEqual([
    '0 ms',
    '12 ms',
    '3.4 s',
    '5 min 12 s',
    '2 h 5 min',
    '3 d 4 h',
  ]);
});

test('counts are grouped by thousands, and nouns follow their number', () => {
  expect(count(1_234_567)).toBe('1,234,567');
  expect([0, 1, 2_000].map((value) => counted(value, 'message'))).toEqual([
    '0 messages',
    '1 message',
    '2,000 messages',
  ]);
});
