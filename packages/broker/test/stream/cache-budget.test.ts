import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CacheBudget } from '../../src/stream/cache-budget.ts';

/** A cache of pieces, of which the last goes first. */
class FakeCache {
  readonly pieces: number[] = [];

  get bytes(): number {
    return this.pieces.reduce((sum, bytes) => sum + bytes, 0);
  }

  evict(): number {
    return this.pieces.pop() ?? 0;
  }
}

const CAP = 100;

describe('a cache budget', () => {
  test('counts what its caches hold, and goes past its cap only by what was added last', () => {
    const step = fc.record({
      who: fc.nat(3),
      bytes: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 300 })),
      isRemoval: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const budget = new CacheBudget(CAP);
        const caches = Array.from({ length: 4 }, () => new FakeCache());
        for (const { who, bytes, isRemoval } of steps) {
          const cache = caches[who]!;
          if (isRemoval) {
            const removed = cache.pieces.shift();
            if (removed !== undefined) budget.remove(cache, removed, cache.pieces.length === 0);
          } else {
            budget.add(cache, bytes);
            cache.pieces.push(bytes);
            expect(budget.bytes).toBeLessThanOrEqual(Math.max(CAP, bytes));
          }
          expect(budget.bytes).toBe(caches.reduce((sum, each) => sum + each.bytes, 0));
        }
      }),
    );
  });

  test('takes from the cache that was added to longest ago', () => {
    const budget = new CacheBudget(CAP);
    const [first, second] = [new FakeCache(), new FakeCache()];
    for (const cache of [first, second, first]) {
      budget.add(cache, 30);
      cache.pieces.push(30);
    }
    budget.add(first, 40);
    expect([first.bytes, second.bytes]).toEqual([60, 0]);
  });
});
