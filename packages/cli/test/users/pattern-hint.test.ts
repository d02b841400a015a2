import { expect, test } from 'vitest';
import { patternHint } from '../../src/users/pattern-hint.ts';

test.each([
  ['ord*', "'ord.*'"],
  ['orders.*', "'orders.*'"],
  ['*.eu', "'.*\\.eu'"],
  ['order?', "'order.'"],
  ['^ord', "'^ord.*'"],
  ['^ord.*', "'^ord.*'"],
  ['^orders$', "'^orders$'"],
  ['orders|invoices', "'orders|invoices'"],
  ['orders\\..+', "'orders\\..+'"],
  ['(orders', "'\\(orders'"],
  ["o'ord*", "'o'\\''ord.*'"],
])('%s is hinted at as --regex %s', (name, example) => {
  expect(patternHint(name)?.endsWith(`: --regex ${example}`)).toBe(true);
});

test.each(['orders', 'orders.eu', 'orders/eu-1', 'größe 1', '$dead.orders', 'a+b'])(
  '%s is a name and no more',
  (name) => {
    expect(patternHint(name)).toBeUndefined();
  },
);
