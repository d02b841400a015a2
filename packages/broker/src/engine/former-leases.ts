import type { SequenceRange } from '@simplemq/protocol';
import type { Span } from '../group/entry.ts';
import type { Group } from '../group/group.ts';
import type { Membership } from '../group/membership.ts';
import { PendingEntries } from '../group/pending-entries.ts';

/**
 * What a follower held of streams that were deleted. A stream that is created again under the name begins at 1 again,
 * so a settlement can mean a message of the old stream or of the new one. The first ack that comes is taken for the old
 * one's, which makes it stale; what hands a message back is taken for the new one's, which comes again.
 *
 * Invariant: a message of the new stream is acked only after an ack for each old message of its number and attempt; at
 * worst one that was handled is delivered again, and none is acked unhandled.
 */
export class FormerLeases {
  readonly #streams = new Map<string, PendingEntries[]>();

  /** The stream is deleted while the follower is there. */
  remember(stream: string, { group, membership }: { group: Group; membership: Membership }): void {
    const held = new PendingEntries();
    for (const { first, last, state } of group.pendingFrom(1)) {
      if (state.kind === 'lease' && state.holder === membership) held.append(first, last, state);
    }
    if (held.size === 0) return;
    this.#streams.set(stream, [...(this.#streams.get(stream) ?? []), held]);
  }

  /** Whether some of the range, in that attempt, may mean messages of a deleted stream. */
  covers(stream: string, { first, last, attempt }: SequenceRange): boolean {
    return (this.#streams.get(stream) ?? []).some((held) => {
      for (const span of held.spansFrom(first)) {
        if (span.first > last) return false;
        if (span.state.attempt === attempt) return true;
      }
      return false;
    });
  }

  /**
   * Which of the range is taken for messages of a deleted stream, and the rest. What an ack has used up is
   * forgotten; an extension of leases settles nothing, and so is kept.
   */
  split(
    stream: string,
    { first, last, attempt }: SequenceRange,
    former: 'used up' | 'kept',
  ): { own: Span[]; rest: Span[] } {
    const own: Span[] = [];
    let rest: Span[] = [{ first, last }];
    const kept = { kind: 'waiting', attempt, dueAt: 0, deliveredAt: 0 } as const;
    for (const held of this.#streams.get(stream) ?? []) {
      const changes = rest.map((span) =>
        held.change(span.first, span.last, {
          isRight: (state) => state.attempt === attempt,
          to: former === 'kept' ? kept : undefined,
        }),
      );
      own.push(...changes.flatMap(({ changed }) => changed));
      rest = changes.flatMap(({ missed }) => missed);
    }
    return { own, rest };
  }
}
