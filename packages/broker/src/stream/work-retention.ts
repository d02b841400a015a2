import { messagesOf, type Span, unionOf } from '../group/entry.ts';
import type { Group } from '../group/group.ts';
import { LANE_START, type LanePlace } from '../group/group-lane.ts';
import type { Ledger } from '../group/ledger.ts';
import type { Lane } from './lane.ts';
import type { Stream } from './stream.ts';

/** Messages of a lane that go. */
export interface Removal extends Span {
  readonly stream: Stream;
  readonly lane: number;
}

/**
 * Retention `work`: a message goes once every group of its stream is done with it. What comes before the start of all
 * groups was never anybody's, and stays.
 *
 * @returns which of the spans, with which `by` is done, all other groups are done with too
 */
export function doneByAll(
  stream: Stream,
  lane: number,
  spans: readonly Span[],
  by: Group | undefined,
): readonly Span[] {
  const { groups } = stream;
  if (by !== undefined && groups.size === 1 && by.startSequence <= 1) return spans;
  if (isGroupBehind(stream, lane, spans, by)) return [];
  const start = startOf(stream);
  // What was purged is gone, whoever began where.
  let done: readonly Span[] = start <= stream.firstSequence ? spans : clip(spans, start);
  for (const group of groups.values()) {
    if (group === by || done.length === 0) continue;
    const ledger = group.ledger(lane);
    if (ledger === undefined) continue;
    done = done.flatMap((span) => ledger.doneWithin(span));
    if (done.length === 0) stream.groupBehind = group;
  }
  return done;
}

/**
 * Whether the group that was found behind the last time is done with none of the spans: with many groups it mostly is,
 * and no other need be asked.
 */
export function isGroupBehind(
  stream: Stream,
  lane: number,
  spans: readonly Span[],
  by: Group | undefined,
): boolean {
  const group = stream.groupBehind;
  if (group === undefined || group === by || stream.groups.get(group.name) !== group) return false;
  const ledger = group.ledger(lane);
  return ledger !== undefined && spans.every((span) => ledger.doneWithin(span).length === 0);
}

/**
 * What is to be removed once a group has nothing pending in these gaps. Those that hold no whole batch are left out
 * where memory tells.
 */
export function removalsOf(
  stream: Stream,
  lane: Lane,
  gaps: readonly Span[],
  by: Group | undefined,
): Removal[] {
  return doneByAll(stream, lane.number, gaps, by)
    .filter((gap) => mayHoldBatch(lane, gap))
    .map(({ first, last }) => ({ stream, lane: lane.number, first, last }));
}

/** Everything that all groups are done with; for when a group is gone or was moved. */
export function sweep(stream: Stream): Removal[] {
  const groups = [...stream.groups.values()];
  if (groups.length === 0 || !stream.isWork) return [];
  return stream.lanes.flatMap((lane) => {
    const last = stream.durableNext - 1;
    return removalsOf(stream, lane, [{ first: 1, last }], undefined);
  });
}

/** Books of a group for one lane as they were, for `closedWithout`. */
export interface OpenBooks {
  readonly pending: readonly Span[];
  readonly readPosition: number;
  readonly ordinal: number;
}

export function openBooks(ledger: Ledger): OpenBooks {
  const { readPosition, ordinal } = ledger;
  const pending = [...ledger.pending.spansFrom(1)].map(({ first, last }) => ({ first, last }));
  return { pending, readPosition, ordinal };
}

/** How many messages of a lane nobody needs any more now that a group, which had these books, does not. */
export function closedWithout(stream: Stream, lane: number, books: OpenBooks): number {
  const ledgers = [...stream.groups.values()].flatMap((group) => group.ledger(lane) ?? []);
  if (ledgers.length === 0) return 0;
  const wasPending = messagesOf(doneByAll(stream, lane, books.pending, undefined));
  const { readPosition, ordinal } = readByAll(ledgers);
  if (readPosition <= books.readPosition) return wasPending;
  const read = { first: books.readPosition, last: readPosition - 1 };
  // In the span that all others have read: all its messages but those that are pending with one of them.
  const done = doneByAll(stream, lane, [read], undefined);
  const open = gapsBetween(read, done).flatMap((gap) =>
    ledgers.flatMap((ledger) => pendingWithin(ledger, gap)),
  );
  return wasPending + Math.max(0, ordinal - books.ordinal - messagesOf(unionOf(open)));
}

/**
 * How many messages of a span of a lane are left; undefined where some of it was before all groups.
 *
 * @param messages how many were there
 * @param endOrdinal that of the lane's first message behind the span
 */
export function leftWithin(
  stream: Stream,
  { lane, first, last }: Span & { readonly lane: number },
  { messages, endOrdinal }: { readonly messages: number; readonly endOrdinal: number },
): number | undefined {
  const start = startOf(stream);
  if (start > stream.firstSequence && start > first) return undefined;
  const ledgers = [...stream.groups.values()].flatMap((group) => group.ledger(lane) ?? []);
  const [behind] = ledgers.toSorted((a, b) => a.readPosition - b.readPosition);
  if (behind === undefined) return undefined;
  const read = { first, last: Math.min(last, behind.readPosition - 1) };
  const pending = messagesOf(unionOf(ledgers.flatMap((ledger) => pendingWithin(ledger, read))));
  const unread = read.last === last ? 0 : Math.max(0, Math.min(messages, endOrdinal - behind.ordinal));
  return pending + unread;
}

/**
 * What is left for a group that is made, or begins anew, at these places: a message that every group is done with is
 * gone, though the batch that holds it may have to stay for others of its messages.
 */
export function leftFrom(
  stream: Stream,
  places: ReadonlyMap<number, LanePlace>,
): ReadonlyMap<number, LanePlace> {
  if (!stream.isWork || stream.groups.size === 0) return places;
  return new Map(
    stream.lanes.map(({ number }) => [number, leftInLane(stream, number, places.get(number) ?? LANE_START)]),
  );
}

function leftInLane(stream: Stream, lane: number, place: LanePlace): LanePlace {
  const ledgers = [...stream.groups.values()].flatMap((group) => group.ledger(lane) ?? []);
  const [head] = ledgers.toSorted((a, b) => a.readPosition - b.readPosition);
  if (head === undefined || head.readPosition <= place.first) return place;
  const { readPosition, ordinal } = head;
  const { spans = [], to = place.first } = place.unowned ?? {};
  const start = Math.min(readPosition, startOf(stream));
  // Groups were made meanwhile: what is nobody's is not known, so all is taken to be there.
  if (to < start) return place;
  const owned = { first: Math.max(place.first, start), last: readPosition - 1 };
  const pending = ledgers.flatMap((ledger) => pendingWithin(ledger, owned));
  return { first: readPosition, ordinal, open: unionOf([...spans, ...pending]) };
}

/** What comes before it was never any group's; infinity without a group. */
export function startOf({ groups }: Stream): number {
  let start = Number.POSITIVE_INFINITY;
  for (const group of groups.values()) start = Math.min(start, group.startSequence);
  return start;
}

/** Up to where all of these have read; infinity without any. */
export function readByAll(ledgers: readonly Ledger[]): { readPosition: number; ordinal: number } {
  let [readPosition, ordinal] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (const ledger of ledgers) {
    readPosition = Math.min(readPosition, ledger.readPosition);
    ordinal = Math.min(ordinal, ledger.ordinal);
  }
  return { readPosition, ordinal };
}

function clip(spans: readonly Span[], from: number): readonly Span[] {
  if (spans.every(({ first }) => first >= from)) return spans;
  return spans
    .filter(({ last }) => last >= from)
    .map(({ first, last }) => ({ first: Math.max(first, from), last }));
}

function gapsBetween({ first, last }: Span, spans: readonly Span[]): Span[] {
  const gaps: Span[] = [];
  let at = first;
  for (const span of spans) {
    if (span.first > at) gaps.push({ first: at, last: span.first - 1 });
    at = span.last + 1;
  }
  if (at <= last) gaps.push({ first: at, last });
  return gaps;
}

export function pendingWithin(ledger: Ledger, { first, last }: Span): Span[] {
  const spans: Span[] = [];
  for (const span of ledger.pending.spansFrom(first)) {
    if (span.first > last) break;
    spans.push({ first: span.first, last: Math.min(last, span.last) });
  }
  return spans;
}

function mayHoldBatch({ log }: Lane, { first, last }: Span): boolean {
  const batch = log.find(first);
  return batch === undefined || batch.first === first || batch.last < last;
}
