import type { SequenceRange } from '@simplemq/protocol';
import type { Span } from '../group/entry.ts';
import type { Group } from '../group/group.ts';
import type { Membership } from '../group/membership.ts';
import { PendingEntries } from '../group/pending-entries.ts';
import { append } from '../lists.ts';

/** What was held before those has been settled long ago: of one stream, and of all. */
const FORMER_MAX = 16;
const STREAMS_MAX = 256;

/**
 * What a follower held of streams that were deleted, or of groups that were deleted or moved. A stream that is created
 * again under the name begins at 1 again, and a group with attempt 1, so a settlement can mean what was held before or
 * what is held now. The first ack that comes is taken for what was held before, which makes it stale; all else is taken
 * for what is held now, which comes again.
 *
 * So of what was held then, no late ack settles what came after it; at worst a message that was handled is delivered
 * again.
 */
export class FormerLeases {
  readonly #streams = new Map<string, Former[]>();

  /** What it holds is not its own any more, while the follower is there. */
  remember(stream: string, { group, membership }: { group: Group; membership: Membership }): void {
    const [held, left] = [new PendingEntries(), new PendingEntries()];
    for (const { first, last, state } of group.heldBy(membership)) {
      held.append(first, last, state);
      left.append(first, last, state);
    }
    if (held.size === 0) return;
    const former = [...(this.#streams.get(stream) ?? []), { held, left }];
    // The one that changed last comes last.
    this.#streams.delete(stream);
    this.#streams.set(stream, former.slice(-FORMER_MAX));
    const [oldest] = this.#streams.keys();
    if (this.#streams.size > STREAMS_MAX) this.#streams.delete(oldest!);
  }

  /** Whether some of the range, in that attempt, may mean what was held before. */
  mayMean(stream: string, range: SequenceRange): boolean {
    return (this.#streams.get(stream) ?? []).some(({ held }) => isIn(held, range));
  }

  /** Which of a range that is acked is taken for what was held before, and the rest; what is taken so is used up. */
  split(stream: string, { first, last, attempt }: SequenceRange): { own: Span[]; rest: Span[] } {
    const own: Span[] = [];
    let rest: Span[] = [{ first, last }];
    for (const { left } of this.#streams.get(stream) ?? []) {
      const changes = rest.map((span) =>
        left.change(span.first, span.last, { isRight: (state) => state.attempt === attempt, to: undefined }),
      );
      for (const { changed } of changes) append(own, changed);
      rest = changes.flatMap(({ missed }) => missed);
    }
    return { own, rest };
  }
}

/** What a follower held at one time. */
interface Former {
  readonly held: PendingEntries;
  /** That of which no ack has come since. */
  readonly left: PendingEntries;
}

function isIn(entries: PendingEntries, { first, last, attempt }: SequenceRange): boolean {
  for (const span of entries.spansFrom(first)) {
    if (span.first > last) return false;
    if (span.state.attempt === attempt) return true;
  }
  return false;
}
