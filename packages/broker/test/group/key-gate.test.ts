import fc from 'fast-check';
import { expect, test } from 'vitest';
import { KeyGate } from '../../src/group/key-gate.ts';

test('a gate lets so many of a key through at a time, and those that wait in their order', () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('come' as const), key: fc.constantFrom('a', 'b', 'c') }),
    fc.record({ do: fc.constant('leave' as const), which: fc.nat() }),
    fc.record({ do: fc.constant('purge' as const), which: fc.nat() }),
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
        } else if (each.do === 'purge') {
          const below = each.which % (next + 1);
          waiting = waiting.filter((sequence) => sequence >= below);
          for (const gone of inside.filter((sequence) => sequence < below))
            inside.splice(inside.indexOf(gone), 1);
          gate.remove({ first: 1, last: below - 1 }, ({ sequence }) => ready(sequence));
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
