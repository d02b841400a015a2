import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Batch } from '../../src/stream/batch.ts';
import { BatchCache } from '../../src/stream/batch-cache.ts';
import { placedBatch } from '../batches.ts';

/** A stream of batches of one to four messages: what a store would hold. */
const SIZES = Array.from({ length: 60 }, (_, index) => (index % 4) + 1);
const STORED: Batch[] = [];
let next = 1;
for (const size of SIZES) {
  STORED.push(placedBatch(next, ...Array.from({ length: size }, (_, index) => `${next + index}`)));
  next += size;
}
const END = next;

type Step =
  | { readonly do: 'insert'; readonly from: number; readonly count: number }
  | { readonly do: 'remove'; readonly first: number; readonly count: number }
  | { readonly do: 'evict'; readonly readFrom: number }
  | { readonly do: 'clear' };

const sequence: fc.Arbitrary<number> = fc.integer({ min: 1, max: END });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constant('insert' as const),
    from: fc.nat(STORED.length - 1),
    count: fc.integer({ min: 1, max: 12 }),
  }),
  fc.record({ do: fc.constant('remove' as const), first: sequence, count: fc.integer({ min: 1, max: 40 }) }),
  fc.record({ do: fc.constant('evict' as const), readFrom: sequence }),
  fc.record({ do: fc.constant('clear' as const) }),
);

describe('a batch cache', () => {
  test('is what a sorted list of batches would be, whatever is done to it', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const cache = new BatchCache();
        let model: Batch[] = [];
        for (const each of steps) {
          model = apply(cache, model, each);
          expect(cache.size).toBe(model.length);
          expect(cache.bytes).toBe(bytesOf(model));
          for (let at = 1; at <= END; at++) {
            expect(cache.find(at)).toBe(model.find(({ first, last }) => first <= at && at <= last));
            expect(cache.ceiling(at)).toBe(model.find(({ last }) => last >= at));
          }
        }
      }),
      { numRuns: 50 },
    );
  });

  test('of a hundred thousand batches is emptied from the front in no time', () => {
    const cache = new BatchCache();
    const count = 100_000;
    for (let first = 1; first <= count; first++) cache.insert([placedBatch(first, 'x')]);
    for (let first = 1; first <= count; first++) cache.remove(1, first);
    expect([cache.size, cache.bytes]).toEqual([0, 0]);
  });
});

function apply(cache: BatchCache, model: readonly Batch[], each: Step): Batch[] {
  switch (each.do) {
    case 'insert': {
      const run = STORED.slice(each.from, each.from + each.count);
      cache.insert(run);
      return [...new Set([...model, ...run])].sort((a, b) => a.first - b.first);
    }
    case 'remove': {
      const { first } = each;
      const last = first + each.count - 1;
      const gone = model.filter((batch) => batch.first >= first && batch.last <= last);
      expect(cache.remove(first, last)).toBe(bytesOf(gone));
      return model.filter((batch) => !gone.includes(batch));
    }
    case 'evict': {
      const lowest = model[0];
      const victim = lowest === undefined || lowest.last < each.readFrom ? lowest : model.at(-1);
      expect(cache.evict(each.readFrom)).toBe(victim?.bytes ?? 0);
      return model.filter((batch) => batch !== victim);
    }
    case 'clear':
      expect(cache.clear()).toBe(bytesOf(model));
      return [];
  }
}

function bytesOf(batches: readonly Batch[]): number {
  return batches.reduce((bytes, batch) => bytes + batch.bytes, 0);
}
