import type { ReadRun } from '@simplemq/broker';
import * as protocol from '@simplemq/protocol';
import { BatchBuilder, decodeBatch, type Feature, Opcode, ScheduleNotFound } from '@simplemq/protocol';
import { RawPeer, startTestBroker, type TestBroker } from '@simplemq/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { GROUP, SCHEDULE } from '../fake-answers.ts';
import { FakeEngine } from '../fake-engine.ts';
import { saveScheduleFrame } from '../frames.ts';

const MAX_FRAME_BYTES = 70_000;

let engine: FakeEngine;
let broker: TestBroker;
let peer: RawPeer;

beforeEach(async () => {
  engine = new FakeEngine();
  engine.features = protocol.FEATURES;
  const limits = { maxMessageBytes: 1_000, maxFrameBytes: MAX_FRAME_BYTES };
  broker = await startTestBroker({ engine, limits });
  peer = await RawPeer.open(broker);
});

afterEach(async () => {
  await peer.close();
  await broker[Symbol.asyncDispose]();
});

interface Case {
  readonly feature?: Feature;
  readonly frame: Uint8Array | Uint8Array[];
  /** The method of the engine, and what it is given. */
  readonly call: string;
  readonly given: readonly unknown[];
  readonly answer: Opcode;
  readonly says: unknown;
  decode?(payload: Buffer): unknown;
}

const group = { stream: 'orders', group: 'billing' };
const page = { stream: 'orders', filter: { group: 'billing', error: 'timeout' }, after: 7, limit: 10 };
const options = { retry: { maxDeliveries: 3, jitter: 0.5 }, ordering: 'key' };

const CASES: readonly Case[] = [
  {
    feature: 'retention',
    frame: protocol.encodeUpdateStream(7, { stream: 'orders', options: { maxAgeMs: 0, maxBytes: 9 } }),
    call: 'updateStream',
    given: ['orders', { maxAgeMs: 0, maxBytes: 9 }],
    answer: Opcode.StreamUpdated,
    says: {},
  },
  {
    frame: protocol.encodePurgeStream(7, { stream: 'orders', sequence: 100 }),
    call: 'purgeStream',
    given: [{ stream: 'orders', sequence: 100 }],
    answer: Opcode.StreamPurged,
    says: { messages: 3 },
    decode: protocol.decodeStreamPurged,
  },
  {
    feature: 'groups',
    frame: protocol.encodeCreateGroup(7, { ...group, startFrom: { time: 5 }, options }),
    call: 'createGroup',
    given: [{ ...group, startFrom: { time: 5 }, options }],
    answer: Opcode.GroupCreated,
    says: { created: true },
    decode: protocol.decodeGroupCreated,
  },
  {
    feature: 'groups',
    frame: protocol.encodeUpdateGroup(7, { ...group, options }),
    call: 'updateGroup',
    given: ['orders', 'billing', options],
    answer: Opcode.GroupUpdated,
    says: {},
  },
  {
    feature: 'groups',
    frame: protocol.encodeDeleteGroup(7, group),
    call: 'deleteGroup',
    given: ['orders', 'billing'],
    answer: Opcode.GroupDeleted,
    says: {},
  },
  {
    feature: 'groups',
    frame: protocol.encodeListGroups(7, { stream: 'orders' }),
    call: 'listGroups',
    given: ['orders'],
    answer: Opcode.GroupsListed,
    says: { groups: [GROUP] },
    decode: protocol.decodeGroupsListed,
  },
  {
    feature: 'groups',
    frame: protocol.encodeGroupInfo(7, group),
    call: 'groupInfo',
    given: ['orders', 'billing'],
    answer: Opcode.GroupInfoReply,
    says: GROUP,
    decode: protocol.decodeGroupInfoReply,
  },
  {
    feature: 'groups',
    frame: protocol.encodeResetGroup(7, { ...group, startFrom: 'new' }),
    call: 'resetGroup',
    given: [{ ...group, startFrom: 'new' }],
    answer: Opcode.GroupReset,
    says: {},
  },
  {
    feature: 'deadLetters',
    frame: protocol.encodeRedrive(7, page),
    call: 'redrive',
    given: [page],
    answer: Opcode.Redriven,
    says: { messages: 2, after: 9, more: true },
    decode: protocol.decodeRedriven,
  },
  {
    feature: 'deadLetters',
    frame: protocol.encodeDeleteDeadLetters(7, page),
    call: 'deleteDeadLetters',
    given: [page],
    answer: Opcode.DeadLettersDeleted,
    says: { messages: 1, after: 9, more: false },
    decode: protocol.decodeDeadLettersDeleted,
  },
  {
    feature: 'delay',
    frame: protocol.encodeListDelayed(7, { stream: 'orders', after: 40, limit: 1 }),
    call: 'listDelayed',
    given: [{ stream: 'orders', after: 40, limit: 1 }],
    answer: Opcode.DelayedListed,
    says: { entries: [{ id: 41, messages: 2, bytes: 300, deliverAt: 1_767_323_045_678 }], more: false },
    decode: protocol.decodeDelayedListed,
  },
  {
    feature: 'delay',
    frame: protocol.encodeCancelDelayed(7, { stream: 'orders', ids: [41, 42] }),
    call: 'cancelDelayed',
    given: [{ stream: 'orders', ids: [41, 42] }],
    answer: Opcode.DelayedCancelled,
    says: { messages: 2 },
    decode: protocol.decodeDelayedCancelled,
  },
  {
    feature: 'schedules',
    frame: saveScheduleFrame(7, { name: 'nightly', stream: 'orders', cron: '0 3 * * *' }),
    call: 'saveSchedule',
    given: [expect.objectContaining({ count: 1 })],
    answer: Opcode.ScheduleSaved,
    says: { name: 'nightly', stream: 'orders', cron: '0 3 * * *', timezone: 'UTC', paused: false },
    decode: protocol.decodeScheduleSaved,
  },
  {
    feature: 'schedules',
    frame: protocol.encodeListSchedules(7),
    call: 'listSchedules',
    given: [],
    answer: Opcode.SchedulesListed,
    says: { schedules: [SCHEDULE] },
    decode: protocol.decodeSchedulesListed,
  },
  {
    feature: 'schedules',
    frame: protocol.encodePauseSchedule(7, { name: 'nightly', paused: true }),
    call: 'pauseSchedule',
    given: ['nightly', true],
    answer: Opcode.SchedulePaused,
    says: { ...SCHEDULE, paused: true },
    decode: protocol.decodeSchedulePaused,
  },
  {
    feature: 'schedules',
    frame: protocol.encodeDeleteSchedule(7, { name: 'nightly' }),
    call: 'deleteSchedule',
    given: ['nightly'],
    answer: Opcode.ScheduleDeleted,
    says: {},
  },
];

describe.each(CASES)('$call', ({ frame, call, given, answer, says, decode = () => ({}) }) => {
  test('reaches the engine as it was asked, and its answer the client', async () => {
    const { requestId, payload } = await peer.request(frame, answer);
    expect(requestId).toBe(7);
    expect(decode(payload)).toEqual(says);
    expect(engine.calls).toEqual([{ what: call, given }]);
  });

  test('is answered with the error of the engine, and the connection stays', async () => {
    engine.nextError = new ScheduleNotFound('there is nothing of that name');
    for (const piece of [frame].flat()) peer.send(piece);
    expect(await peer.expectError()).toMatchObject({ code: 'ScheduleNotFound' });
    await peer.request(frame, answer);
  });
});

const featured = CASES.filter(({ feature }) => feature !== undefined);

test.each(featured)('$call is Unsupported by an engine that lacks it', async ({ feature, frame }) => {
  engine.features = protocol.FEATURES.filter((name) => name !== feature);
  for (const piece of [frame].flat()) peer.send(piece);
  expect(await peer.expectError()).toMatchObject({ code: 'Unsupported', details: { feature } });
  expect(engine.calls).toEqual([]);
});

describe.each([
  {
    what: 'read',
    ask: { stream: 'orders', startFrom: { sequence: 41 }, limit: 100 },
    encode: protocol.encodeRead,
    answer: Opcode.ReadReply,
  },
  { what: 'deadLetters', ask: page, encode: protocol.encodeDeadLetters, answer: Opcode.DeadLettersReply },
])('$what', ({ what, ask, encode, answer }) => {
  test('gives the runs of a page, each with its batch, and where to go on', async () => {
    engine.page = { runs: [run(41, ['a', 'b']), run(90, ['c'])], next: 91, more: true };
    const { payload } = await peer.request(encode(7, ask as never), answer);
    const reply = protocol.decodeReadReply(payload);
    expect(reply).toMatchObject({ next: 91, more: true, runs: [{ first: 41, time: 5 }, { first: 90 }] });
    expect(reply.runs.map(({ batch }) => batch)).toEqual([batchOf(['a', 'b']), batchOf(['c'])]);
    expect(engine.calls).toEqual([{ what, given: [ask] }]);
  });

  test('leaves to the next page what one frame has no room for', async () => {
    const long = 'x'.repeat(900);
    const runs = Array.from({ length: 100 }, (_, i) => run(i + 1, [long]));
    engine.page = { runs, next: 101, more: false };
    const { payload } = await peer.request(encode(7, ask as never), answer);
    expect(payload.length).toBeLessThanOrEqual(MAX_FRAME_BYTES);
    expect(payload.length).toBeGreaterThan(MAX_FRAME_BYTES - 4_000);
    const reply = protocol.decodeReadReply(payload);
    expect(reply).toMatchObject({ next: reply.runs.length + 1, more: true });
  });

  test('is Unsupported by an engine that lacks it', async () => {
    engine.features = [];
    peer.send(encode(7, ask as never));
    expect(await peer.expectError()).toMatchObject({ code: 'Unsupported', details: { feature: what } });
  });
});

test('the message of a schedule is checked as that of a publish', async () => {
  engine.features = ['schedules'];
  const schedule = { name: 'nightly', stream: 'orders', cron: '0 3 * * *' };
  peer.send(...saveScheduleFrame(7, schedule, { attributes: { priority: 3 } }));
  expect(await peer.expectError()).toMatchObject({ code: 'Unsupported', details: { feature: 'priority' } });
  peer.send(...saveScheduleFrame(8, schedule, { body: Buffer.alloc(1_001) }));
  expect(await peer.expectError()).toMatchObject({ code: 'MessageTooLarge' });
  expect(engine.calls).toEqual([]);
});

function batchOf(bodies: readonly string[]): protocol.RecordBatch {
  const builder = new BatchBuilder();
  for (const body of bodies) builder.append(Buffer.from(body), true);
  return decodeBatch(builder.finish());
}

function run(first: number, bodies: readonly string[]): ReadRun {
  return { first, time: 5, ...batchOf(bodies) };
}
