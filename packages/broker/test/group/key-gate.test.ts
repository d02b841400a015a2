import fc from 'fast-check';
import { expect, test } from 'vitest';
import { KeyGate } from '../../src/group/key-gate.ts';

test('a gate lets so many of a key through at a time, and those that wait in their order', () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('come' as const), key: fc.constantFrom('a', 'b', 'c') }),
    fc.record({ do: fc.constant('leave' as const), which: fc.nat() }),
    fc.record({ do: fc.constant('purge' as const), which: fc.nat() }),
    fc.record({ do: fc.constant('strike' as const), which: fc.nat() }),
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 3 }), fc.array(step, { maxLength: 100 }), (limit, steps) => {
      const gate = new KeyGate(limit);
      const keyOf = new Map<number, string>();
      const inside: number[] = [];
      let waiting: number[] = [];
      const ready = (sequence: number) => {
        waiting = waiting.filter((each) => each !== sequence);
        inside.push(sequence);
      };
      let next = 1;
      for (const each of steps) {
        if (each.do === 'come') {
          const sequence = next++;
          keyOf.set(sequence, each.key);
          const isShut = inside.filter((other) => keyOf.get(other) === each.key).length >= limit;
          expect(gate.isShut(each.key)).toBe(isShut);
          if (isShut) {
            gate.park(each.key, { lane: 0, sequence });
            waiting.push(sequence);
          } else {
            gate.enter(each.key, sequence);
            inside.push(sequence);
          }
        } else if (each.do === 'leave' && inside.length > 0) {
          const [gone] = inside.splice(each.which % inside.length, 1);
          const expected = waiting.find((other) => keyOf.get(other) === keyOf.get(gone!));
          expect(gate.leave(gone!)?.sequence).toBe(expected);
          if (expected !== undefined) ready(expected);
        } else if (each.do === 'purge' || each.do === 'strike') {
          const last = each.which % (next + 1);
          const first = each.do === 'purge' ? 1 : Math.max(1, last - 2);
          const isGone = (sequence: number) => first <= sequence && sequence <= last;
          waiting = waiting.filter((sequence) => !isGone(sequence));
          for (const gone of inside.filter(isGone)) inside.splice(inside.indexOf(gone), 1);
          gate.remove({ first, last }, ({ sequence }) => ready(sequence));
        }
        expect(gate.parked).toBe(waiting.length);
        for (const sequence of waiting) {
          const key = keyOf.get(sequence)!;
          expect(inside.filter((other) => keyOf.get(other) === key)).toHaveLength(limit);
        }
      }
    }),
    { numRuns: 500 },
  );
});

test('a gate at which 50,000 messages wait, of one key or of many, is trimmed one by one in no time', () => {
  const count = 50_000;
  for (const keys of [1, count / 2]) {
    const gate = new KeyGate(1);
    for (let sequence = 1; sequence <= count; sequence++) {
      const key = `${sequence % keys}`;
      if (gate.isShut(key)) gate.park(key, { lane: 0, sequence });
      else gate.enter(key, sequence);
    }
    const ready: number[] = [];
    for (let gone = 1; gone < count; gone++) {
      gate.remove({ first: 1, last: gone }, ({ sequence }) => ready.push(sequence));
    }
    expect(gate.parked).toBe(0);
    expect(ready.at(-1)).toBe(count);
  }
});

test('a gate at which 200,000 messages of a key wait goes on when those before the last are gone', () => {
  const gate = new KeyGate(1);
  gate.enter('k', 200_001);
  for (let sequence = 1; sequence <= 200_000; sequence++) gate.park('k', { lane: 0, sequence });
  gate.remove({ first: 2, last: 100 }, () => {});
  gate.remove({ first: 50, last: 199_999 }, () => {});
  expect([gate.parked, gate.leave(200_001)?.sequence]).toEqual([2, 1]);
  expect([gate.parked, gate.leave(1)?.sequence]).toEqual([1, 200_000]);
  expect([gate.parked, gate.leave(200_000)]).toEqual([0, undefined]);
});
