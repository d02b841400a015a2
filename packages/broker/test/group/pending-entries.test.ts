import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Waiting } from '../../src/group/entry.ts';
import { type Change, PendingEntries, WINDOW_SEQUENCES } from '../../src/group/pending-entries.ts';

/** Few states, so that ranges often meet their like. */
const STATES: readonly Waiting[] = [0, 1, 2].map((attempt) => {
  return { kind: 'waiting', attempt, dueAt: 0, deliveredAt: 0 };
});
const state: fc.Arbitrary<Waiting> = fc.constantFrom(...STATES);

type Step =
  | { readonly do: 'append'; readonly skip: number; readonly count: number; readonly state: Waiting }
  | {
      readonly do: 'change';
      readonly at: number;
      readonly count: number;
      readonly from: Waiting;
      readonly to: Waiting | undefined;
    }
  | { readonly do: 'gap'; readonly at: number; readonly count: number; readonly reach: number };

/** Around the edges of windows, and anywhere. */
const position: fc.Arbitrary<number> = fc.oneof(
  fc.integer({ min: 1, max: 5_000 }),
  fc.integer({ min: -3, max: 3 }).map((offset) => WINDOW_SEQUENCES * 2 + offset),
);
const count: fc.Arbitrary<number> = fc.oneof(
  fc.integer({ min: 1, max: 5 }),
  fc.integer({ min: 1, max: 2_500 }),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('append' as const), skip: fc.oneof(fc.constant(0), count), count, state }),
  fc.record({
    do: fc.constant('change' as const),
    at: position,
    count,
    from: state,
    to: fc.option(state, { nil: undefined }),
  }),
  fc.record({ do: fc.constant('gap' as const), at: position, count, reach: count }),
);

describe('pending entries', () => {
  test('are what a map from sequence number to state would be, whatever is done to them', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const entries = new PendingEntries();
        const model = new Map<number, Waiting>();
        let end = 0;
        for (const each of steps) {
          if (each.do === 'append') {
            const first = end + 1 + each.skip;
            end = first + each.count - 1;
            entries.append(first, end, each.state);
            for (let sequence = first; sequence <= end; sequence++) model.set(sequence, each.state);
          } else if (each.do === 'change') expectChange(entries, model, each);
          else expectGap(entries, model, each);
          expectSame(entries, model);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('that are asked for from a number on begin within a span', () => {
    const entries = new PendingEntries();
    entries.append(10, 3_000, STATES[0]!);
    expect([...entries.spansFrom(2_000)].map(({ first, last }) => [first, last])).toEqual([
      [2_000, 2_047],
      [2_048, 3_000],
    ]);
    expect([...entries.spansFrom(3_001)]).toEqual([]);
  });

  test('do not look for what was never there', () => {
    const entries = new PendingEntries();
    entries.append(5, 6, STATES[0]!);
    // Both while there are entries and when there are none.
    const none = entries.change(1, Number.MAX_SAFE_INTEGER, { isRight: () => false, to: undefined });
    expect(none.missed).toEqual([{ first: 1, last: Number.MAX_SAFE_INTEGER }]);
    const rule = { isRight: () => true, to: undefined };
    const asked = entries.change(1, Number.MAX_SAFE_INTEGER, rule);
    expect(asked.changed).toEqual([{ first: 5, last: 6 }]);
    expect(asked.missed).toEqual([
      { first: 1, last: 4 },
      { first: 7, last: Number.MAX_SAFE_INTEGER },
    ]);
    const emptied = entries.change(1, Number.MAX_SAFE_INTEGER, rule);
    expect(emptied.missed).toEqual([{ first: 1, last: Number.MAX_SAFE_INTEGER }]);
  });
});

function expectChange(
  entries: PendingEntries,
  model: Map<number, Waiting>,
  { at, count: length, from, to }: Extract<Step, { do: 'change' }>,
): void {
  let told = 0;
  const change = entries.change(at, at + length - 1, {
    isRight: (current) => current === from,
    to,
    onChange: (was, messages) => {
      expect(was).toBe(from);
      told += messages;
    },
  });
  const expected = { changed: [] as number[], missed: [] as number[] };
  for (let sequence = at; sequence < at + length; sequence++) {
    const isRight = model.get(sequence) === from;
    expected[isRight ? 'changed' : 'missed'].push(sequence);
    if (!isRight) continue;
    if (to === undefined) model.delete(sequence);
    else model.set(sequence, to);
  }
  expect(spelled(change, 'changed')).toEqual(expected.changed);
  expect(spelled(change, 'missed')).toEqual(expected.missed);
  expect(told).toBe(expected.changed.length);
}

function expectGap(
  entries: PendingEntries,
  model: Map<number, Waiting>,
  { at, count: length, reach }: Extract<Step, { do: 'gap' }>,
): void {
  const last = at + length - 1;
  for (let sequence = at; sequence <= last; sequence++) if (model.has(sequence)) return;
  let low = at;
  while (low > Math.max(1, at - reach) && !model.has(low - 1)) low--;
  let high = last;
  while (high < last + reach && !model.has(high + 1)) high++;
  expect(entries.gapAround(at, last, reach)).toEqual({ first: low, last: high });
}

function expectSame(entries: PendingEntries, model: ReadonlyMap<number, Waiting>): void {
  expect(entries.size).toBe(model.size);
  const sequences = [...model.keys()].sort((a, b) => a - b);
  expect(entries.lowest()).toBe(sequences[0]);
  const got: number[] = [];
  let before = 0;
  for (const span of entries.spansFrom(1)) {
    if (span.first <= before || span.last < span.first) throw new Error('spans are not in order');
    before = span.last;
    for (let sequence = span.first; sequence <= span.last; sequence++) {
      if (model.get(sequence) !== span.state) throw new Error(`${sequence} is in another state`);
      got.push(sequence);
    }
  }
  expect(got).toEqual(sequences);
}

function spelled(change: Change, part: keyof Change): number[] {
  return change[part].flatMap(({ first, last }) =>
    Array.from({ length: last - first + 1 }, (_, index) => first + index),
  );
}
