import type { Pending, PendingRange, PendingReply } from '@simplemq/protocol';
import type { Group } from './group.ts';
import type { PendingSpan } from './pending-entries.ts';

/** Messages of one PENDING answer, at the most, and ranges. */
const MESSAGES_MAX = 10_000;
const RANGES_MAX = 1_000;

/** One page of a group's pending entry list, narrowed as asked. */
export function pendingReply(group: Group | undefined, request: Pending): PendingReply {
  const entries: PendingRange[] = [];
  if (group === undefined) return { entries, more: false };
  const now = Date.now();
  let left = Math.min(request.limit ?? MESSAGES_MAX, MESSAGES_MAX);
  for (const span of group.pendingFrom((request.after ?? 0) + 1)) {
    const idleMs = Math.max(0, now - span.state.deliveredAt);
    if (!isAskedFor(span, idleMs, request)) continue;
    if (left === 0 || entries.length === RANGES_MAX) return { entries, more: true };
    const last = Math.min(span.last, span.first + left - 1);
    left -= last - span.first + 1;
    entries.push({ first: span.first, last, attempt: span.state.attempt, idleMs, ...holderOf(span) });
    if (last < span.last) return { entries, more: true };
  }
  return { entries, more: false };
}

function isAskedFor(
  { state }: PendingSpan,
  idleMs: number,
  { follower, idleMs: least = 0 }: Pending,
): boolean {
  // Never delivered: it waits for its key, and is in the list only because what comes after it was.
  if (state.deliveredAt === 0) return false;
  if (idleMs < least) return false;
  return follower === undefined || (state.kind === 'lease' && state.holder.follower.id === follower);
}

function holderOf({ state }: PendingSpan): { follower?: number; client?: string } {
  if (state.kind === 'waiting') return {};
  const { id, client } = state.holder.follower;
  return { follower: id, client };
}
