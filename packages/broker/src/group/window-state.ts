import type { SteadyClock } from '../clock.ts';
import { type PendingSpan, WINDOW_SEQUENCES } from './pending-entries.ts';

/**
 * The state of one window of a group's lane on disk: which of its 1,024 messages are done, and what the next delivery
 * of the others will be, where that is not the second attempt, at once.
 *
 *   +-------------------------+  +--------+-------+--------------+---------+
 *   | done: 128 bytes, a bit  |  | offset | count | next attempt | due at  |  …
 *   | for each message        |  |  u16   |  u16  |     u32      |  u48    |
 *   +-------------------------+  +--------+-------+--------------+---------+
 *
 * `due at` is by the steady clock, 0 for at once. Format 1, which version 1 of the schema wrote, has no such field.
 * Messages at or past the group's read position are not looked at. A window without a stored state has nothing done.
 */
const BITMAP_BYTES = WINDOW_SEQUENCES / 8;
export const WINDOW_FORMAT = 2;
const SPAN_BYTES: Readonly<Record<number, number>> = { 1: 8, 2: 14 };
/** What a message is in next that was delivered once when the broker died. */
const DEFAULT_NEXT_ATTEMPT = 2;

export interface StoredWindowState {
  readonly format: number;
  readonly state: Uint8Array;
}

export interface UnackedSpan {
  readonly first: number;
  readonly last: number;
  readonly nextAttempt: number;
  /** By the steady clock; 0 for at once. */
  readonly dueAt: number;
}

export function encodeWindowState(
  window: number,
  spans: readonly PendingSpan[],
  readPosition: number,
  clock: SteadyClock,
): Buffer {
  const base = window * WINDOW_SEQUENCES;
  const end = Math.min(WINDOW_SEQUENCES, readPosition - base);
  const special = spans
    .map(({ first, last, state }) => ({ first, last, ...nextDelivery(state, clock) }))
    .filter(({ attempt, dueAt }) => attempt !== DEFAULT_NEXT_ATTEMPT || dueAt > 0);
  const spanBytes = SPAN_BYTES[WINDOW_FORMAT]!;
  const state = Buffer.alloc(BITMAP_BYTES + special.length * spanBytes);
  let at = 0;
  for (const span of spans) {
    setBits(state, at, span.first - base);
    at = span.last - base + 1;
  }
  setBits(state, at, end);
  let offset = BITMAP_BYTES;
  for (const { first, last, attempt, dueAt } of special) {
    state.writeUInt16BE(first - base, offset);
    state.writeUInt16BE(last - first + 1, offset + 2);
    state.writeUInt32BE(attempt, offset + 4);
    state.writeUIntBE(dueAt, offset + 8, 6);
    offset += spanBytes;
  }
  return state;
}

/** If the broker dies now, a leased message comes back one attempt further; a waiting one as it waits. */
function nextDelivery(state: PendingSpan['state'], clock: SteadyClock): { attempt: number; dueAt: number } {
  if (state.kind === 'lease') return { attempt: state.attempt + 1, dueAt: 0 };
  const isTimed = state.dueAt > 0 && Number.isFinite(state.dueAt);
  const dueAt = isTimed ? Math.max(0, Math.ceil(clock.fromMonotonic(state.dueAt))) : 0;
  return { attempt: state.attempt, dueAt };
}

/** The messages from `from` up to `to` (not included) of a window that are not done, in order. */
export function decodeWindowState(
  window: number,
  stored: StoredWindowState | undefined,
  from: number,
  to: number,
): UnackedSpan[] {
  const base = window * WINDOW_SEQUENCES;
  const first = Math.max(from, base);
  const end = Math.min(to, base + WINDOW_SEQUENCES);
  if (stored === undefined) {
    return first < end ? [{ first, last: end - 1, nextAttempt: DEFAULT_NEXT_ATTEMPT, dueAt: 0 }] : [];
  }
  const { state } = stored;
  const next = deliveriesOf(stored);
  const spans: { first: number; last: number; nextAttempt: number; dueAt: number }[] = [];
  for (let sequence = first; sequence < end; sequence++) {
    const index = sequence - base;
    if ((state[index >>> 3]! & (0x80 >>> (index & 7))) !== 0) continue;
    const { attempt, dueAt } = next.get(index) ?? { attempt: DEFAULT_NEXT_ATTEMPT, dueAt: 0 };
    const span = spans[spans.length - 1];
    const isSame = span?.last === sequence - 1 && span.nextAttempt === attempt && span.dueAt === dueAt;
    if (isSame) span.last = sequence;
    else spans.push({ first: sequence, last: sequence, nextAttempt: attempt, dueAt });
  }
  return spans;
}

function deliveriesOf({ format, state }: StoredWindowState): Map<number, { attempt: number; dueAt: number }> {
  const bytes = Buffer.from(state.buffer, state.byteOffset, state.byteLength);
  const spanBytes = SPAN_BYTES[format] ?? SPAN_BYTES[WINDOW_FORMAT]!;
  const deliveries = new Map<number, { attempt: number; dueAt: number }>();
  for (let offset = BITMAP_BYTES; offset < bytes.length; offset += spanBytes) {
    const first = bytes.readUInt16BE(offset);
    const count = bytes.readUInt16BE(offset + 2);
    const attempt = bytes.readUInt32BE(offset + 4);
    const dueAt = format === 1 ? 0 : bytes.readUIntBE(offset + 8, 6);
    for (let i = 0; i < count; i++) deliveries.set(first + i, { attempt, dueAt });
  }
  return deliveries;
}

function setBits(state: Buffer, from: number, to: number): void {
  for (let index = from; index < to; index++) state[index >>> 3]! |= 0x80 >>> (index & 7);
}
