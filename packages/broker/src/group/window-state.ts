import { type PendingSpan, WINDOW_SEQUENCES } from './pending-entries.ts';

/**
 * The state of one window of a group on disk: which of its 1,024 messages are acked, and what the next delivery of the
 * others will be, where that is not the second attempt.
 *
 *   +-------------------------+  +--------+-------+--------------+
 *   | acked: 128 bytes, a bit |  | offset | count | next attempt |  …
 *   | for each message        |  |  u16   |  u16  |     u32      |
 *   +-------------------------+  +--------+-------+--------------+
 *
 * Messages at or past the group's read position are neither. A window without a stored state has nothing acked.
 */
const BITMAP_BYTES = WINDOW_SEQUENCES / 8;
const SPAN_BYTES = 8;
/** What a message is in next that was delivered once when the broker died. */
const DEFAULT_NEXT_ATTEMPT = 2;

export interface UnackedSpan {
  readonly first: number;
  readonly last: number;
  readonly nextAttempt: number;
}

export function encodeWindowState(
  window: number,
  spans: readonly PendingSpan[],
  readPosition: number,
): Buffer {
  const base = window * WINDOW_SEQUENCES;
  const end = Math.min(WINDOW_SEQUENCES, readPosition - base);
  const attempts = spans
    .map((span) => ({ ...span, nextAttempt: nextAttempt(span) }))
    .filter((span) => span.nextAttempt !== DEFAULT_NEXT_ATTEMPT);
  const state = Buffer.alloc(BITMAP_BYTES + attempts.length * SPAN_BYTES);
  let at = 0;
  for (const span of spans) {
    setBits(state, at, span.first - base);
    at = span.last - base + 1;
  }
  setBits(state, at, end);
  let offset = BITMAP_BYTES;
  for (const span of attempts) {
    state.writeUInt16BE(span.first - base, offset);
    state.writeUInt16BE(span.last - span.first + 1, offset + 2);
    state.writeUInt32BE(span.nextAttempt, offset + 4);
    offset += SPAN_BYTES;
  }
  return state;
}

/** If the broker dies now, a leased message comes back one attempt further; a waiting one as it waits. */
function nextAttempt({ state }: PendingSpan): number {
  return state.kind === 'lease' ? state.attempt + 1 : state.attempt;
}

/** The messages from `from` up to `to` (not included) of a window that are not acked, in order. */
export function decodeWindowState(
  window: number,
  state: Uint8Array | undefined,
  from: number,
  to: number,
): UnackedSpan[] {
  const base = window * WINDOW_SEQUENCES;
  const first = Math.max(from, base);
  const end = Math.min(to, base + WINDOW_SEQUENCES);
  if (state === undefined) {
    return first < end ? [{ first, last: end - 1, nextAttempt: DEFAULT_NEXT_ATTEMPT }] : [];
  }
  const next = attemptsOf(state);
  const spans: { first: number; last: number; nextAttempt: number }[] = [];
  for (let sequence = first; sequence < end; sequence++) {
    const index = sequence - base;
    if ((state[index >>> 3]! & (0x80 >>> (index & 7))) !== 0) continue;
    const attempt = next.get(index) ?? DEFAULT_NEXT_ATTEMPT;
    const span = spans[spans.length - 1];
    if (span !== undefined && span.last === sequence - 1 && span.nextAttempt === attempt)
      span.last = sequence;
    else spans.push({ first: sequence, last: sequence, nextAttempt: attempt });
  }
  return spans;
}

function attemptsOf(state: Uint8Array): Map<number, number> {
  const view = new DataView(state.buffer, state.byteOffset, state.byteLength);
  const attempts = new Map<number, number>();
  for (let offset = BITMAP_BYTES; offset < state.length; offset += SPAN_BYTES) {
    const first = view.getUint16(offset);
    const count = view.getUint16(offset + 2);
    for (let i = 0; i < count; i++) attempts.set(first + i, view.getUint32(offset + 4));
  }
  return attempts;
}

function setBits(state: Buffer, from: number, to: number): void {
  for (let index = from; index < to; index++) state[index >>> 3]! |= 0x80 >>> (index & 7);
}
