import { expect, test } from 'vitest';
import { byteSize } from '../../src/arguments/byte-size.ts';
import { decimal } from '../../src/arguments/decimal.ts';
import { header } from '../../src/arguments/header.ts';
import { idRange } from '../../src/arguments/id-ranges.ts';
import { orNone } from '../../src/arguments/none.ts';
import { place, startFrom } from '../../src/arguments/place.ts';
import { timeSpan } from '../../src/arguments/time-span.ts';
import { exactDuration, exactSize } from '../../src/terminal/amounts.ts';

test('time spans have units, or are milliseconds', () => {
  const read = timeSpan();
  expect(['250', '250ms', '30s', '10m', '10 min', '1.5h', '7d', '0'].map(read)).toEqual([
    250, 250, 30_000, 600_000, 600_000, 5_400_000, 604_800_000, 0,
  ]);
  for (const text of ['', '-1s', '1x', 's', '1e3', '1w', '9'.repeat(30)]) {
    expect(() => read(text)).toThrow(/^It must be a time span, as 30s/);
  }
  expect(() => timeSpan(1)('0s')).toThrow(/of at least 1 ms/);
});

test('sizes have units, or are bytes', () => {
  expect(['10MiB', '64 kib', '1.5GB', '4096', '7B'].map(byteSize)).toEqual([
    10 * 2 ** 20,
    65_536,
    1_500_000_000,
    4_096,
    7,
  ]);
  for (const text of ['', '0', '1XB', '-1', 'MiB', '1e3']) expect(() => byteSize(text)).toThrow(/a size/);
});

test('what is shown of a limit can be given for it', () => {
  for (const ms of [1, 1_500, 30_000, 90_000, 5_400_000, 129_600_000, 604_800_000]) {
    expect(timeSpan()(exactDuration(ms).replaceAll(',', ''))).toBe(ms);
  }
  for (const bytes of [1, 65_536, 1_000_001, 10 * 2 ** 20]) expect(byteSize(exactSize(bytes))).toBe(bytes);
});

test('none takes a limit away, and is named where what is given is wrong', () => {
  expect(orNone(byteSize)('none')).toBe(0);
  expect(orNone(byteSize)('1KiB')).toBe(1_024);
  expect(() => orNone(timeSpan(1))('never')).toThrow(/^It must be a time span .*, or none\.$/);
});

test('a place is the first message, a sequence number or a time; a group may begin with what is new', () => {
  expect(place('first')).toBe('first');
  expect(place('12')).toEqual({ sequence: 12 });
  expect(place('2026-05-01T08:30:00Z')).toEqual({ time: new Date('2026-05-01T08:30:00Z') });
  expect(place('2h')).toEqual({ time: expect.any(Date) });
  expect(startFrom('new')).toBe('new');
  expect(() => place('new')).toThrow(/^It must be first, a sequence number,/);
  expect(() => startFrom('last')).toThrow(/^It must be first, new, a sequence number,/);
});

test('headers add up, and only the first = divides', () => {
  expect(header('b=c=d', header('a='))).toEqual({ a: '', b: 'c=d' });
  for (const text of ['', 'a', '=a']) expect(() => header(text)).toThrow('It must be name=value.');
});

test('ids add up, one by one and by ranges', () => {
  expect(idRange('41-43', idRange('7'))).toEqual([7, 41, 42, 43]);
  for (const text of ['', 'a', '3-1', '1-', '-1', '1-2-3']) expect(() => idRange(text)).toThrow(/a number/);
  expect(() => idRange('1-1000000')).toThrow(/more than 100,000/);
});

test('numbers may have a fraction where it makes sense', () => {
  expect(decimal(0, 1)('0.5')).toBe(0.5);
  for (const text of ['', '2', '-1', '.5', 'x']) expect(() => decimal(0, 1)(text)).toThrow(/from 0 to 1/);
});
