import type { Span } from '../group/entry.ts';
import type { Stream } from '../stream/stream.ts';

export interface Removal extends Span {
  readonly stream: Stream;
}

/**
 * What retention `work` removes once a group has nothing pending in these gaps. A stream has one group, the default
 * one, so what that group has acked everybody has. Gaps that hold no whole batch are left out where the cache tells.
 */
export function removalsOf(stream: Stream, gaps: readonly Span[]): Removal[] {
  return gaps.filter((gap) => mayHoldBatch(stream, gap)).map(({ first, last }) => ({ stream, first, last }));
}

function mayHoldBatch(stream: Stream, { first, last }: Span): boolean {
  const batch = stream.log.find(first);
  return batch === undefined || batch.first === first || batch.last < last;
}
