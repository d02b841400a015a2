import type { SteadyClock } from '../clock.ts';
import type { Group, GroupChanges } from '../group/group.ts';
import type { StoredLane, StoreTransaction } from '../store/store.ts';
import type { Stream } from '../stream/stream.ts';
import type { Sealed } from './committer.ts';
import type { PlacedBatch } from './transaction.ts';

/** Of what one commit makes done, before others that are not; failures of more spans go with those. */
const DONE_SPANS_MAX = 16;

type Unstored = Omit<Sealed, 'stored'>;
type LaneEnds = Map<number, StoredLane>;

/** A sealed transaction as its store gets it: what is of memory streams, or of streams that are gone, is left out. */
export function toStore(sealed: Unstored, windowFormat: number, clock: SteadyClock): StoreTransaction {
  const { transaction, producers, batches, groups, removals } = sealed;
  const stored = groups.filter(({ group }) => isStored(group));
  const added = totals(batches);
  const windows = stored.flatMap(({ group, changes }) =>
    changes.lanes.flatMap(({ lane, changes: lanes }) =>
      lanes.windows.map((window) => {
        return { groupId: group.id, lane: lane.number, format: windowFormat, ...window };
      }),
    ),
  );
  return {
    deletedStreams: transaction.deletedStreams.filter((stream) => stream.isDurable).map(({ id }) => id),
    createdStreams: transaction.createdStreams.filter(isKept).map((stream) => stream.toStored()),
    updatedStreams: [...transaction.updatedStreams].filter(isKept).map((stream) => {
      return { id: stream.id, options: { ...stream.settings } };
    }),
    batches: batches
      .filter(({ stream }) => isKept(stream))
      .map(({ stream, lane, batch }) => ({ streamId: stream.id, lane: lane.number, batch })),
    streams: [...touchedStreams(sealed)]
      .filter(isKept)
      .map((stream) => toStoredCounters(stream, added.get(stream))),
    deletedGroups: transaction.deletedGroups
      .filter((group) => (group.stream as Stream).isDurable)
      .map(({ id }) => id),
    groups: stored.map(({ group, changes }) => toStoredGroup(group, changes)),
    windows,
    droppedWindows: stored.flatMap(({ group, changes }) =>
      changes.lanes.flatMap(({ lane, changes: { droppedWindows } }) =>
        droppedWindows.map((window) => ({ groupId: group.id, lane: lane.number, window })),
      ),
    ),
    removals: removals
      .filter(({ stream }) => isKept(stream))
      .map(({ stream, lane, first, last }) => ({ streamId: stream.id, lane, first, last })),
    producers: producers.changed,
    forgottenProducers: producers.forgotten,
    delayed: transaction.delayed,
    removedDelayed: transaction.removedDelayed,
    failures: transaction.failures,
    droppedFailures: droppedFailures(sealed),
    dedup: transaction.dedup,
    droppedDedup: transaction.droppedDedup,
    schedules: [...transaction.schedules.values()],
    deletedSchedules: [...transaction.deletedSchedules],
    clockOffsetMs: transaction.clockOffsetMs.slice(-1),
    // What is in them counts from now.
    clockSteadyMs:
      windows.length + transaction.delayed.length + transaction.dedup.length > 0
        ? [Math.floor(clock.now())]
        : [],
  };
}

/** What is done needs no history any more. */
function droppedFailures({ transaction, groups }: Unstored): StoreTransaction['droppedFailures'] {
  const dropped = groups
    .filter(({ group }) => group.hasFailures && isStored(group))
    .flatMap(({ group: { id: groupId }, changes }) => {
      const { ackFloor } = changes;
      const done = changes.lanes.flatMap(({ changes }) => changes.done);
      const early = done.filter(({ last }) => last > ackFloor).slice(0, DONE_SPANS_MAX);
      return [
        { groupId, through: ackFloor },
        ...early.map(({ first, last }) => ({ groupId, first, through: last })),
      ];
    });
  const anew = [...transaction.forgottenFailures].map(({ id }) => {
    return { groupId: id, through: Number.MAX_SAFE_INTEGER };
  });
  return [...dropped, ...anew];
}

/** Streams whose counters are to be stored. Acks that free no whole batch change the number of messages all the same. */
function touchedStreams({ transaction, batches, groups, removals }: Unstored): Set<Stream> {
  const touched = new Set<Stream>(transaction.touched);
  for (const { stream } of batches) touched.add(stream);
  for (const { stream } of removals) touched.add(stream);
  for (const stream of transaction.skipped) touched.add(stream);
  for (const { group, changes } of groups) {
    if (changes.lanes.some(({ changes: { done } }) => done.length > 0)) touched.add(group.stream as Stream);
  }
  return touched;
}

interface Totals {
  messages: number;
  readonly ends: LaneEnds;
}

function totals(batches: readonly PlacedBatch[]): Map<Stream, Totals> {
  const added = new Map<Stream, Totals>();
  for (const { stream, lane, batch } of batches) {
    let total = added.get(stream);
    if (total === undefined) {
      total = { messages: 0, ends: new Map() };
      added.set(stream, total);
    }
    total.messages += batch.count;
    total.ends.set(lane.number, { ordinal: batch.ordinal + batch.count, end: batch.last + 1 });
  }
  return added;
}

function toStoredCounters(stream: Stream, added: Totals | undefined): StoreTransaction['streams'][number] {
  const { id, nextSequence, firstSequence, lastTime } = stream;
  const messages = stream.messages + (added?.messages ?? 0);
  return { id, nextSequence, firstSequence, messages, lastTime, lanes: stream.storedLanes(added?.ends) };
}

function toStoredGroup(group: Group, changes: GroupChanges): StoreTransaction['groups'][number] {
  const { id, name, createdAt, settings, startSequence } = group;
  return {
    id,
    streamId: (group.stream as Stream).id,
    name,
    createdAt,
    policy: { ...settings, startSequence },
    positions: changes.lanes.map(({ lane: { number }, changes: { ackFloor, readPosition, ordinal } }) => {
      return { lane: number, ackFloor, readPosition, ordinal };
    }),
  };
}

function isKept(stream: Stream): boolean {
  return stream.isDurable && !stream.isDeleted;
}

function isStored(group: Group): boolean {
  return isKept(group.stream as Stream);
}
