import type { Read } from '@simplemq/protocol';
import type { Store } from '../store/store.ts';
import type { Batch } from '../stream/batch.ts';
import { firstSince } from '../stream/retention.ts';
import type { Stream } from '../stream/stream.ts';
import { doneByAll } from '../stream/work-retention.ts';
import type { ReadPage, ReadRun } from './engine.ts';

const LIMIT_MAX = 10_000;
/** What is read of each lane for one page, in bytes. */
const READ_BYTES: number = 1024 * 1024;

/** A page of what the stream holds, of all its lanes, by sequence number. */
export async function readStream(
  store: Store,
  stream: Stream,
  { startFrom = 'first', limit = LIMIT_MAX }: Read,
): Promise<ReadPage> {
  const from = await sequenceOf(store, stream, startFrom);
  const end = stream.durableNext;
  const lanes = await Promise.all(
    stream.lanes.map(async (lane) => ({ lane: lane.number, run: await lane.log.read(from, READ_BYTES) })),
  );
  // Past the end of what was read of one lane there may be more of it, which comes before what was read of another.
  const horizon = Math.min(end, ...lanes.map(({ lane, run }) => readThrough(stream, lane, run, end)));
  const batches = lanes
    .flatMap(({ lane, run }) => run.map((batch) => ({ lane, batch })))
    .filter(({ batch }) => batch.first < horizon)
    .sort((a, b) => a.batch.first - b.batch.first);
  const runs: ReadRun[] = [];
  let left = Math.min(limit, LIMIT_MAX);
  let next = horizon;
  for (const { lane, batch } of batches) {
    for (const { first, last } of openSpans(
      stream,
      lane,
      Math.max(from, batch.first),
      Math.min(batch.last, end - 1),
    )) {
      if (left === 0) return { runs, next: first, more: true };
      const { count, records } = batch.cut(first, Math.min(left, last - first + 1), Number.POSITIVE_INFINITY);
      const { time, flags, shared } = batch;
      runs.push({ first, count, time, flags, shared, records });
      left -= count;
      if (first + count <= last) return { runs, next: first + count, more: true };
    }
    next = Math.max(next, batch.last + 1);
  }
  return { runs, next: Math.min(next, end), more: next < end };
}

async function sequenceOf(
  store: Store,
  stream: Stream,
  startFrom: NonNullable<Read['startFrom']>,
): Promise<number> {
  if (startFrom === 'first') return stream.firstSequence;
  if (startFrom === 'new') return stream.durableNext;
  if ('sequence' in startFrom) return Math.max(stream.firstSequence, startFrom.sequence);
  return Math.max(stream.firstSequence, await firstSince(store, stream, startFrom.time));
}

/** The sequence number up to which (not included) all of the lane was read. */
function readThrough(stream: Stream, lane: number, run: readonly Batch[], end: number): number {
  const last = run[run.length - 1]?.last;
  if (last === undefined || last + 1 >= stream.lane(lane).durableEnd) return end;
  return last + 1;
}

/** What of `first` to `last` is not gone: with retention `work` a batch may hold messages that all groups have acked. */
function openSpans(
  stream: Stream,
  lane: number,
  first: number,
  last: number,
): { first: number; last: number }[] {
  if (first > last) return [];
  if (!stream.isWork || stream.groups.size === 0) return [{ first, last }];
  const spans: { first: number; last: number }[] = [];
  let at = first;
  for (const done of doneByAll(stream, lane, [{ first, last }], undefined)) {
    if (done.first > at) spans.push({ first: at, last: done.first - 1 });
    at = done.last + 1;
  }
  if (at <= last) spans.push({ first: at, last });
  return spans;
}
