import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SteadyClock } from '../../src/clock.ts';
import { type PendingSpan, WINDOW_SEQUENCES } from '../../src/group/pending-entries.ts';
import { decodeWindowState, encodeWindowState, WINDOW_FORMAT } from '../../src/group/window-state.ts';

const CLOCK = new SteadyClock({ clockOffsetMs: 0, clockSteadyMs: 0 });

interface Piece {
  readonly gap: number;
  readonly count: number;
  readonly attempt: number;
}

const pieces: fc.Arbitrary<Piece[]> = fc.array(
  fc.record({
    gap: fc.oneof(fc.constant(0), fc.nat(300)),
    count: fc.oneof(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: WINDOW_SEQUENCES })),
    attempt: fc.oneof(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 2 ** 32 - 1 })),
  }),
  { maxLength: 60 },
);

describe('the state of a window', () => {
  test('comes back as it was stored: who is pending, and in which attempt next', () => {
    fc.assert(
      fc.property(pieces, fc.nat(1_000_000), fc.nat(WINDOW_SEQUENCES), (list, window, beyond) => {
        const base = window * WINDOW_SEQUENCES;
        const end = base + WINDOW_SEQUENCES - 1;
        const spans = spansOf(list, base, end);
        const lastPending = spans.at(-1)?.last ?? base - 1;
        const readPosition = Math.max(1, lastPending + 1 + beyond);
        const state = encodeWindowState(window, spans, readPosition, CLOCK);
        const decoded = decodeWindowState(window, { format: WINDOW_FORMAT, state }, base, readPosition);
        expect(spelled(decoded.map((span) => [span.first, span.last, span.nextAttempt]))).toEqual(
          spelled(spans.map((span) => [span.first, span.last, (span.state as { attempt: number }).attempt])),
        );
      }),
    );
  });

  test('that was never stored is: all of it is pending after one delivery', () => {
    const all = decodeWindowState(2, undefined, 2_050, 9_999);
    expect(all).toEqual([{ first: 2_050, last: 3_071, nextAttempt: 2, dueAt: 0 }]);
    expect(decodeWindowState(2, undefined, 5_000, 9_999)).toEqual([]);
  });

  test('keeps when a waiting message is due, to the millisecond, over a restart with another monotonic clock', () => {
    const dueAt = performance.now() + 60_000;
    const waiting = { kind: 'waiting', attempt: 2, dueAt, deliveredAt: 0 } as const;
    const state = encodeWindowState(0, [{ first: 5, last: 7, state: waiting }], 10, CLOCK);
    const [span] = decodeWindowState(0, { format: WINDOW_FORMAT, state }, 1, 10);
    expect(span).toMatchObject({ first: 5, last: 7, nextAttempt: 2 });
    expect(Math.abs(CLOCK.toMonotonic(span!.dueAt) - dueAt)).toBeLessThanOrEqual(1);
  });

  test('is read as the first version of the database wrote it', () => {
    const state = Buffer.alloc(128 + 8);
    state[0] = 0b0100_0000;
    state.writeUInt16BE(2, 128);
    state.writeUInt16BE(2, 130);
    state.writeUInt32BE(7, 132);
    expect(decodeWindowState(0, { format: 1, state }, 1, 5)).toEqual([
      { first: 2, last: 3, nextAttempt: 7, dueAt: 0 },
      { first: 4, last: 4, nextAttempt: 2, dueAt: 0 },
    ]);
  });

  test('counts what lies past the read position as neither acked nor pending', () => {
    const state = encodeWindowState(0, [], 10, CLOCK);
    expect(decodeWindowState(0, { format: WINDOW_FORMAT, state }, 1, 10)).toEqual([]);
    // The group has read on since, without a change to this window: those are pending.
    expect(decodeWindowState(0, { format: WINDOW_FORMAT, state }, 1, 15)).toEqual([
      { first: 10, last: 14, nextAttempt: 2, dueAt: 0 },
    ]);
  });
});

function spansOf(list: readonly Piece[], base: number, end: number): PendingSpan[] {
  const spans: PendingSpan[] = [];
  let next = Math.max(1, base);
  for (const { gap, count, attempt } of list) {
    const first = next + gap;
    const last = Math.min(end, first + count - 1);
    if (first > end) break;
    spans.push({ first, last, state: { kind: 'waiting', attempt, dueAt: 0, deliveredAt: 0 } });
    next = last + 1;
  }
  return spans;
}

function spelled(spans: readonly (readonly number[])[]): string[] {
  return spans.flatMap(([first, last, attempt]) =>
    Array.from({ length: last! - first! + 1 }, (_, index) => `${first! + index}@${attempt}`),
  );
}
