import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Heap } from '../../src/delay/heap.ts';

test('a heap gives its items in order, whatever came and went', () => {
  const step = fc.oneof(fc.nat(50), fc.constant('pop' as const), fc.constant('filter' as const));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const heap = new Heap<number>((a, b) => a < b);
      let items: number[] = [];
      for (const each of steps) {
        if (each === 'pop') {
          const least = items.length === 0 ? undefined : Math.min(...items);
          expect(heap.pop()).toBe(least);
          if (least !== undefined) items.splice(items.indexOf(least), 1);
        } else if (each === 'filter') {
          heap.filter((item) => item % 3 !== 0);
          items = items.filter((item) => item % 3 !== 0);
        } else {
          heap.push(each);
          items.push(each);
        }
        expect(heap.size).toBe(items.length);
        expect(heap.peek()).toBe(items.length === 0 ? undefined : Math.min(...items));
      }
    }),
  );
});
