import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RedeliveryQueue, type WaitingRange } from '../../src/group/redelivery-queue.ts';

const range: fc.Arbitrary<WaitingRange> = fc
  .tuple(fc.integer({ min: 1, max: 1_000 }), fc.integer({ min: 1, max: 9 }), fc.nat(5))
  .map(([first, count, dueAt]) => {
    const state = { kind: 'waiting', attempt: 2, dueAt, deliveredAt: 0 } as const;
    return { first, last: first + count - 1, state };
  });

describe('a redelivery queue', () => {
  test('gives what is due first, then what comes first, as a sorted list would', () => {
    const step = fc.oneof(range, fc.constant('pop' as const));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const queue = new RedeliveryQueue();
        const model: WaitingRange[] = [];
        for (const each of steps) {
          if (each !== 'pop') {
            queue.push(each);
            model.push(each);
            model.sort(inOrder);
          } else expect(order(queue.pop())).toEqual(order(model.shift()));
          expect(queue.size).toBe(model.length);
          expect(queue.messages).toBe(model.reduce((sum, { first, last }) => sum + last - first + 1, 0));
          expect(queue.nextDueAt).toBe(model[0]?.state.dueAt);
          for (const now of [0, 3, 5]) {
            const due = model[0] !== undefined && model[0].state.dueAt <= now ? model[0] : undefined;
            expect(order(queue.peek(now))).toEqual(order(due));
          }
        }
        queue.clear();
        expect([queue.size, queue.messages, queue.pop()]).toEqual([0, 0, undefined]);
      }),
    );
  });
});

function inOrder(a: WaitingRange, b: WaitingRange): number {
  return a.state.dueAt - b.state.dueAt || a.first - b.first;
}

/** Two that are equal in these may come in either order. */
function order(waiting: WaitingRange | undefined): readonly number[] | undefined {
  return waiting && [waiting.state.dueAt, waiting.first];
}
