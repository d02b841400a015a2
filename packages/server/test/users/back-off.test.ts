import { expect, test } from 'vitest';
import { addressKey, BackOff } from '../../src/users/back-off.ts';

test('the first failures cost nothing, the next ones twice as long each, up to half a minute', () => {
  const backOff = new BackOff({ free: 2, keysMax: 10 });
  const waits = Array.from({ length: 12 }, () => {
    backOff.failed('ann', 0);
    return backOff.waitMs('ann', 0);
  });
  expect(waits).toEqual([0, 0, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000, 30_000]);
  expect(backOff.waitMs('ann', 29_999)).toBe(1);
  expect(backOff.waitMs('ann', 30_000)).toBe(0);
  expect(backOff.waitMs('bob', 0)).toBe(0);
});

test('a success, or ten quiet minutes, and all is forgotten', () => {
  const backOff = new BackOff({ free: 0, keysMax: 10 });
  backOff.failed('ann', 0);
  backOff.failed('ann', 0);
  backOff.succeeded('ann');
  expect(backOff.waitMs('ann', 0)).toBe(0);
  for (let i = 0; i < 9; i++) backOff.failed('bob', 0);
  backOff.failed('bob', 600_000);
  expect(backOff.waitMs('bob', 600_000)).toBe(500);
});

test('it never grows past its limit: those who failed longest ago are forgotten', () => {
  const backOff = new BackOff({ free: 0, keysMax: 3 });
  for (const key of ['a', 'b', 'c', 'a', 'd']) backOff.failed(key, 0);
  expect(backOff.size).toBe(3);
  expect(backOff.waitMs('b', 0)).toBe(0);
  for (const key of ['a', 'c', 'd']) expect(backOff.waitMs(key, 0)).toBeGreaterThan(0);
});

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['?', '?'],
])('the address %s counts as %s', (address, key) => {
  expect(addressKey(address)).toBe(key);
});
