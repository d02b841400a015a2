import type { Lease } from './lease.ts';

/** What a range of pending entries is in: leased to a follower, or waiting to be delivered (again). */
export type EntryState = Lease | Waiting;

/** Entries that wait: in the redelivery queue, behind another message of their key, or for their burial. */
export interface Waiting {
  readonly kind: 'waiting';
  /** The attempt that the next delivery will be. */
  readonly attempt: number;
  /** When it may be delivered, by the monotonic clock; 0 for at once, infinity for those in no queue. */
  readonly dueAt: number;
  /** When it was delivered last, in milliseconds since 1970 UTC; 0 when it never was. */
  readonly deliveredAt: number;
}

export interface Span {
  readonly first: number;
  readonly last: number;
}

export function messagesOf(spans: readonly Span[]): number {
  let messages = 0;
  for (const { first, last } of spans) messages += last - first + 1;
  return messages;
}

/** The spans without what overlaps, in order; neighbours are one. */
export function unionOf(spans: readonly Span[]): Span[] {
  const merged: { first: number; last: number }[] = [];
  for (const { first, last } of [...spans].sort((a, b) => a.first - b.first)) {
    const before = merged[merged.length - 1];
    if (before !== undefined && first <= before.last + 1) before.last = Math.max(before.last, last);
    else merged.push({ first, last });
  }
  return merged;
}

/** The spans without what `gone` covers of them. */
export function without(spans: readonly Span[], gone: Span): Span[] {
  return spans.flatMap(({ first, last }) => {
    if (last < gone.first || first > gone.last) return [{ first, last }];
    const parts: Span[] = [];
    if (first < gone.first) parts.push({ first, last: gone.first - 1 });
    if (last > gone.last) parts.push({ first: gone.last + 1, last });
    return parts;
  });
}
