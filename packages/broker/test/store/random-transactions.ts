import fc from 'fast-check';
import type { StoredGroup, StoredLane, StoredStream, StoreTransaction } from '../../src/store/store.ts';
import { Batch } from '../../src/stream/batch.ts';
import { batchOf } from '../batches.ts';
import type { ModelStore } from './model-store.ts';
import { NOTHING, newStream } from './transactions.ts';

export const LANES = 4;
/** Times are multiples of this, which a store may round them to. */
const TICK_MS = 100;

type Parts = { -readonly [Name in keyof StoreTransaction]: StoreTransaction[Name][number][] };

/** One thing that a transaction does. What it does it to is picked by its numbers among what there is. */
interface Action {
  readonly kind: (typeof KINDS)[number];
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

/** In the order in which a transaction applies them. */
const KINDS = [
  'deleteStream',
  'createStream',
  'updateStream',
  'publish',
  'deleteGroup',
  'saveGroup',
  'saveWindow',
  'dropWindow',
  'remove',
  'saveProducer',
  'forgetProducer',
  'delay',
  'promote',
  'fail',
  'dropFailures',
  'addIds',
  'dropIds',
  'saveSchedule',
  'deleteSchedule',
  'setClock',
] as const;
const OFTEN: readonly Action['kind'][] = [
  'createStream',
  'publish',
  'publish',
  'saveGroup',
  'delay',
  'fail',
  'addIds',
];

const action: fc.Arbitrary<Action> = fc.record({
  kind: fc.constantFrom(...KINDS, ...OFTEN),
  a: fc.nat(1_000),
  b: fc.nat(1_000),
  c: fc.nat(1_000),
});

/** The actions of one transaction, or a restart. */
export const randomSteps: fc.Arbitrary<(readonly Action[] | 'restart')[]> = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.array(action, { minLength: 1, maxLength: 12 }) },
    { weight: 1, arbitrary: fc.constant('restart' as const) },
  ),
  { minLength: 1, maxLength: 25 },
);

/** Makes transactions as an engine would: numbers only go up, and ids begin after the highest when it starts. */
export class TransactionMaker {
  readonly #model: ModelStore;
  #nextStreamId = 1;
  #nextGroupId = 1;
  #nextDelayedId = 1;
  #now = 1_700_000_000_000;
  /** Up to where failures of each group were dropped. */
  readonly dropped = new Map<number, number>();

  constructor(model: ModelStore) {
    this.#model = model;
  }

  /** Goes on from what is stored. */
  restart(): void {
    const { streams, groups, lastDelayedId } = this.#model.snapshot();
    this.#nextStreamId = Math.max(0, ...streams.map(({ id }) => id)) + 1;
    this.#nextGroupId = Math.max(0, ...groups.map(({ id }) => id)) + 1;
    this.#nextDelayedId = lastDelayedId + 1;
    for (const id of this.dropped.keys()) if (!this.#model.groups.has(id)) this.dropped.delete(id);
  }

  make(actions: readonly Action[]): StoreTransaction {
    const parts = Object.fromEntries(Object.keys(NOTHING).map((name) => [name, []])) as unknown as Parts;
    const streams = new Map(this.#model.streams);
    const groups = new Map(this.#model.groups);
    this.#now += TICK_MS * (actions.length % 3);
    const inOrder = [...actions].sort((x, y) => KINDS.indexOf(x.kind) - KINDS.indexOf(y.kind));
    for (const each of inOrder) {
      if (OF_STREAM[each.kind] !== undefined) {
        const stream = pick([...streams.values()], each.a);
        if (stream !== undefined) this.#ofStream(each, stream, { parts, streams, groups });
      } else if (OF_GROUP[each.kind] !== undefined) {
        const group = pick([...groups.values()], each.a);
        if (group !== undefined) this.#ofGroup(each, group, { parts, groups });
      } else this.#other(each, { parts, streams });
    }
    return parts;
  }

  #ofStream(
    { kind, b, c }: Action,
    stream: StoredStream,
    {
      parts,
      streams,
      groups,
    }: { parts: Parts; streams: Map<number, StoredStream>; groups: Map<number, StoredGroup> },
  ): void {
    const streamId = stream.id;
    const lane = b % LANES;
    switch (kind) {
      case 'deleteStream':
        parts.deletedStreams.push(streamId);
        streams.delete(streamId);
        for (const group of groups.values()) if (group.streamId === streamId) groups.delete(group.id);
        break;
      case 'updateStream':
        parts.updatedStreams.push({ id: streamId, options: { storage: 'file', maxBytes: c } });
        break;
      case 'publish':
        this.#publish(stream, lane, c, { parts, streams });
        break;
      case 'remove': {
        const first = Math.floor((stream.nextSequence * (c % 10)) / 10);
        parts.removals.push({ streamId, lane, first, last: first + (b % 40) });
        break;
      }
      case 'delay': {
        const batch = new Batch({ first: 0, ordinal: 0, time: this.#now, ...batchOf(...bodies(c)) });
        const dueAt = c * TICK_MS;
        parts.delayed.push({ id: this.#nextDelayedId, streamId, lane, isSteady: b % 2 === 0, dueAt, batch });
        this.#nextDelayedId += batch.count;
        break;
      }
      case 'saveGroup':
        this.#saveGroup(stream, b, c, { parts, groups });
        break;
      case 'addIds': {
        if (parts.dedup.some((row) => row.streamId === streamId)) break;
        const ids = Buffer.alloc(24 * ((c % 60) + 1), b);
        parts.dedup.push({ streamId, time: this.#now, ids });
        break;
      }
      case 'dropIds':
        parts.droppedDedup.push({ streamId, before: this.#now - TICK_MS * (c % 8) });
        break;
    }
  }

  #publish(
    stream: StoredStream,
    lane: number,
    c: number,
    { parts, streams }: { parts: Parts; streams: Map<number, StoredStream> },
  ): void {
    const { id } = stream;
    // Numbers that were given to messages which were refused leave gaps.
    const first = stream.nextSequence + (c % 5 === 0 ? c % 700 : 0);
    const lanes: StoredLane[] = Array.from(
      { length: LANES },
      (_, n) => stream.lanes[n] ?? { ordinal: 0, end: 1 },
    );
    const { ordinal } = lanes[lane]!;
    const batch = new Batch({ first, ordinal, time: this.#now, ...batchOf(...bodies(c)) });
    parts.batches.push({ streamId: id, lane, batch });
    lanes[lane] = { ordinal: ordinal + batch.count, end: batch.last + 1 };
    const counters = {
      nextSequence: batch.last + 1,
      firstSequence: Math.max(stream.firstSequence, c),
      messages: stream.messages + batch.count,
      lastTime: this.#now,
      lanes,
    };
    streams.set(id, { ...stream, ...counters });
    parts.streams = parts.streams.filter((other) => other.id !== id);
    parts.streams.push({ id, ...counters });
  }

  #saveGroup(
    stream: StoredStream,
    b: number,
    c: number,
    { parts, groups }: { parts: Parts; groups: Map<number, StoredGroup> },
  ): void {
    const name = `group-${b % 3}`;
    const known = [...groups.values()].find((group) => group.streamId === stream.id && group.name === name);
    const group = known ?? {
      id: this.#nextGroupId++,
      streamId: stream.id,
      name,
      createdAt: this.#now,
      positions: [],
    };
    const lanes = [0, 1, 2, 3].filter((lane) => (c >> lane) % 2 === 1);
    const positions = lanes.map((lane) => {
      return { lane, ackFloor: b, readPosition: b + lane, ordinal: b };
    });
    const saved = { ...group, policy: { yieldEvery: c % 3, retry: { delayMs: b % 2 } }, positions };
    groups.set(group.id, saved);
    parts.groups = [...parts.groups.filter(({ id }) => id !== group.id), saved];
  }

  #ofGroup(
    { kind, b, c }: Action,
    { id: groupId }: StoredGroup,
    { parts, groups }: { parts: Parts; groups: Map<number, StoredGroup> },
  ): void {
    const place = { groupId, lane: b % LANES, window: c % 3 };
    switch (kind) {
      case 'deleteGroup':
        parts.deletedGroups.push(groupId);
        groups.delete(groupId);
        break;
      case 'saveWindow':
        parts.windows.push({ ...place, format: 1 + (c % 2), state: Buffer.alloc(1 + (c % 300), b) });
        break;
      case 'dropWindow':
        parts.droppedWindows.push(place);
        break;
      case 'fail': {
        const failure = { attempt: 1 + (b % 3), at: this.#now, cause: 'nack', error: `because ${c}` };
        const first = 1 + c * 3;
        parts.failures.push({ groupId, first, last: first + (b % 3 === 0 ? b * 3 : b % 5), ...failure });
        break;
      }
      case 'dropFailures':
        parts.droppedFailures.push({ groupId, through: c });
        this.dropped.set(groupId, Math.max(this.dropped.get(groupId) ?? 0, c));
        break;
    }
  }

  #other(
    { kind, a, b, c }: Action,
    { parts, streams }: { parts: Parts; streams: Map<number, StoredStream> },
  ): void {
    switch (kind) {
      case 'createStream': {
        // Names are used again, those of deleted streams too.
        const name = `stream-${a % 4}`;
        if ([...streams.values()].some((other) => other.name === name)) break;
        const stream = newStream(this.#nextStreamId++, name);
        parts.createdStreams.push(stream);
        streams.set(stream.id, stream);
        break;
      }
      case 'saveProducer': {
        const id = `0${a % 4}`.repeat(16);
        parts.producers.push({ id, usedAt: b, receipts: JSON.stringify([c]) });
        break;
      }
      case 'forgetProducer':
        parts.forgottenProducers.push(`0${a % 4}`.repeat(16));
        break;
      case 'promote': {
        const delayed = pick([...this.#model.delayed.values(), ...parts.delayed], a);
        if (delayed !== undefined && !parts.removedDelayed.includes(delayed.id))
          parts.removedDelayed.push(delayed.id);
        break;
      }
      case 'saveSchedule':
        parts.schedules.push({
          name: `schedule-${a % 3}`,
          stream: `stream-${b % 4}`,
          definition: { cron: '* * * * *', times: c },
          data: Buffer.from(`batch ${c}`),
          nextAt: b,
        });
        break;
      case 'deleteSchedule':
        parts.deletedSchedules.push(`schedule-${a % 3}`);
        break;
      case 'setClock':
        parts.clockOffsetMs = [c - 500];
        parts.clockSteadyMs = [c];
        break;
    }
  }
}

const OF_STREAM: Partial<Record<Action['kind'], true>> = {
  deleteStream: true,
  updateStream: true,
  publish: true,
  remove: true,
  delay: true,
  saveGroup: true,
  addIds: true,
  dropIds: true,
};
const OF_GROUP: Partial<Record<Action['kind'], true>> = {
  deleteGroup: true,
  saveWindow: true,
  dropWindow: true,
  fail: true,
  dropFailures: true,
};

function bodies(seed: number): string[] {
  return Array.from({ length: 1 + (seed % 4) }, (_, index) => 'x'.repeat((seed * (index + 1)) % 3_000));
}

function pick<T>(items: readonly T[], number: number): T | undefined {
  return items[number % items.length];
}
