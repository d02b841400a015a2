import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { messagesOf, type Span, without } from '../../src/group/entry.ts';
import { RedeliveryQueue, type WaitingRange } from '../../src/group/redelivery-queue.ts';

const range: fc.Arbitrary<WaitingRange> = fc
  .tuple(fc.integer({ min: 1, max: 1_000 }), fc.integer({ min: 1, max: 9 }), fc.nat(5))
  .map(([first, count, dueAt]) => {
    const state = { kind: 'waiting', attempt: 2, dueAt, deliveredAt: 0 } as const;
    return { first, last: first + count - 1, state };
  });

describe('a redelivery queue', () => {
  test('gives what is due first, then what comes first, as a sorted list would', () => {
    const step = fc.oneof(
      { weight: 6, arbitrary: range },
      { weight: 4, arbitrary: fc.constant('pop' as const) },
      { weight: 1, arbitrary: fc.record({ before: fc.integer({ min: 1, max: 300 }) }) },
      { weight: 1, arbitrary: fc.record({ from: fc.integer({ min: 1, max: 1_000 }) }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const queue = new RedeliveryQueue();
        let model: WaitingRange[] = [];
        let goneBefore = 0;
        for (const each of steps) {
          if (each === 'pop') expect(order(queue.pop())).toEqual(order(model.shift()));
          else if ('state' in each) {
            // What was purged does not come again.
            if (each.first < goneBefore) continue;
            queue.push(each);
            model.push(each);
            model.sort(inOrder);
          } else if ('before' in each) {
            goneBefore = Math.max(goneBefore, each.before);
            const left = leftOf(model, { first: 1, last: each.before - 1 });
            queue.removeBefore(each.before, messagesOf(model) - messagesOf(left));
            model = left;
          } else {
            const span = { first: each.from, last: each.from + 50 };
            queue.remove(span);
            model = leftOf(model, span);
          }
          expect(queue.messages).toBe(messagesOf(model));
          expect(queue.nextDueAt).toBe(model[0]?.state.dueAt);
          for (const now of [0, 3, 5]) {
            const due = model[0] !== undefined && model[0].state.dueAt <= now ? model[0] : undefined;
            expect(order(queue.peek(now))).toEqual(order(due));
          }
        }
        queue.clear();
        expect([queue.messages, queue.pop()]).toEqual([0, undefined]);
      }),
    );
  });

  test('of 50,000 ranges, of which most are not due, is trimmed one by one in no time', () => {
    const queue = new RedeliveryQueue();
    const count = 50_000;
    // Those that come last are due first.
    for (let first = 1; first <= count; first++) {
      const state = { kind: 'waiting', attempt: 2, dueAt: count - first, deliveredAt: 0 } as const;
      queue.push({ first, last: first, state });
    }
    for (let before = 2; before <= count; before++) queue.removeBefore(before, 1);
    expect([queue.messages, queue.pop()?.first, queue.pop()]).toEqual([1, count, undefined]);
  });
});

function leftOf(ranges: readonly WaitingRange[], gone: Span): WaitingRange[] {
  const left = ranges.flatMap(({ state, ...span }) =>
    without([span], gone).map((part) => ({ ...part, state })),
  );
  return left.sort(inOrder);
}

function inOrder(a: WaitingRange, b: WaitingRange): number {
  return a.state.dueAt - b.state.dueAt || a.first - b.first;
}

/** Two that are equal in these may come in either order. */
function order(waiting: WaitingRange | undefined): readonly number[] | undefined {
  return waiting && [waiting.state.dueAt, waiting.first];
}
