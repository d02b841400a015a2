import {
  decodeConfirm,
  decodeDeliver,
  decodeFollowing,
  decodeSchedulesListed,
  decodeStreamsListed,
  encodeAck,
  encodeCancelDelayed,
  encodeCreateGroup,
  encodeCreateStream,
  encodeDeadLetters,
  encodeDeleteDeadLetters,
  encodeDeleteGroup,
  encodeDeleteSchedule,
  encodeDeleteStream,
  encodeFollow,
  encodeGroupInfo,
  encodeListDelayed,
  encodeListGroups,
  encodeListSchedules,
  encodeListStreams,
  encodePauseSchedule,
  encodePending,
  encodePublishHead,
  encodePurgeStream,
  encodeRead,
  encodeRedrive,
  encodeResetGroup,
  encodeStreamInfo,
  encodeTransactionHead,
  encodeUpdateGroup,
  encodeUpdateStream,
  Opcode,
} from '@simplemq/protocol';
import type { RawPeer } from '@simplemq/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { batchBytes, publishFrame, saveScheduleFrame } from '../frames.ts';
import { UsersBroker } from '../users/users-broker.ts';

const GROUP = { stream: 'orders', group: 'workers' };
const ANSWER_BIT = 0x80;

/** Every request about the stream `orders`, with the right or rights of which it needs one. */
const REQUESTS: readonly (readonly [
  name: string,
  needs: readonly string[],
  frame: (id: number) => Uint8Array[],
])[] = [
  ['CREATE_STREAM', ['manage'], (id) => [encodeCreateStream(id, { stream: 'orders', options: {} })]],
  ['UPDATE_STREAM', ['manage'], (id) => [encodeUpdateStream(id, { stream: 'orders', options: {} })]],
  ['PURGE_STREAM', ['manage'], (id) => [encodePurgeStream(id, { stream: 'orders' })]],
  [
    'LIST_STREAMS',
    ['publish', 'follow', 'manage'],
    (id) => [encodeListStreams(id, { bind: { stream: 'orders' } })],
  ],
  ['STREAM_INFO', ['publish', 'follow', 'manage'], (id) => [encodeStreamInfo(id, { stream: 'orders' })]],
  ['READ', ['follow'], (id) => [encodeRead(id, { stream: 'orders' })]],
  ['CREATE_GROUP', ['manage'], (id) => [encodeCreateGroup(id, { ...GROUP, options: {} })]],
  ['UPDATE_GROUP', ['manage'], (id) => [encodeUpdateGroup(id, { ...GROUP, options: {} })]],
  ['LIST_GROUPS', ['follow', 'manage'], (id) => [encodeListGroups(id, { stream: 'orders' })]],
  ['GROUP_INFO', ['follow', 'manage'], (id) => [encodeGroupInfo(id, GROUP)]],
  ['RESET_GROUP', ['manage'], (id) => [encodeResetGroup(id, { ...GROUP, startFrom: 'first' })]],
  ['PENDING', ['follow', 'manage'], (id) => [encodePending(id, GROUP)]],
  ['PUBLISH', ['publish'], (id) => publishFrame({ requestId: id })],
  ['TRANSACTION', ['publish'], (id) => transactionFrame(id, 'orders')],
  ['FOLLOW', ['follow'], (id) => [encodeFollow(id, { bind: { stream: 'orders' }, upTo: 0, bytesUpTo: 0 })]],
  ['DEAD_LETTERS', ['follow'], (id) => [encodeDeadLetters(id, { stream: 'orders' })]],
  ['REDRIVE', ['manage'], (id) => [encodeRedrive(id, { stream: 'orders' })]],
  ['DELETE_DEAD_LETTERS', ['manage'], (id) => [encodeDeleteDeadLetters(id, { stream: 'orders' })]],
  ['LIST_DELAYED', ['follow', 'manage'], (id) => [encodeListDelayed(id, { stream: 'orders' })]],
  ['CANCEL_DELAYED', ['manage'], (id) => [encodeCancelDelayed(id, { stream: 'orders', ids: [1] })]],
  ['SAVE_SCHEDULE', ['publish-manage'], (id) => schedule(id, 'nightly', 'orders')],
];

let broker: UsersBroker;
let root: RawPeer;
const peers = new Map<string, RawPeer>();

beforeAll(async () => {
  broker = await UsersBroker.start({
    root: { '.*': ['admin'] },
    publish: { orders: ['publish'], 'other|shared.*': ['publish', 'follow', 'manage'] },
    follow: { orders: ['follow'] },
    manage: { orders: ['manage'] },
    'publish-manage': { orders: ['publish', 'manage'] },
    nobody: {},
  });
  root = await broker.as('root');
  for (const stream of ['orders', 'other', 'secret']) await create(root, stream);
  await root.request(encodeCreateGroup(root.nextRequestId(), { ...GROUP, options: {} }), Opcode.GroupCreated);
  for (const user of ['publish', 'follow', 'manage', 'publish-manage', 'nobody']) {
    peers.set(user, await broker.as(user));
  }
});

afterAll(async () => {
  for (const peer of [root, ...peers.values()]) await peer.close();
  await broker[Symbol.asyncDispose]();
});

async function create(peer: RawPeer, stream: string): Promise<void> {
  await peer.request(encodeCreateStream(peer.nextRequestId(), { stream, options: {} }), Opcode.StreamCreated);
}

function transactionFrame(id: number, stream: string): Uint8Array[] {
  const batch = batchBytes({});
  const head = { number: id, settled: 0, acks: [], publishes: [{ bind: { stream } }] };
  return [encodeTransactionHead(id, head, [batch.length]), batch];
}

function schedule(id: number, name: string, stream: string): Uint8Array[] {
  return saveScheduleFrame(id, { name, stream, cron: '0 0 1 1 *' });
}

function publishByPattern(id: number, pattern: string, mustMatch = false): Uint8Array[] {
  const batch = batchBytes({});
  return [
    encodePublishHead(id, { bind: { pattern }, number: id, settled: 0, mustMatch }, batch.length),
    batch,
  ];
}

/** 'answered', or the code of the error. */
async function outcomeOf(peer: RawPeer, frame: (id: number) => Uint8Array[]): Promise<string> {
  const id = peer.nextRequestId();
  const bytes = frame(id);
  const opcode = bytes[0]![4]!;
  peer.send(...bytes);
  return peer.expect(opcode | ANSWER_BIT).then(
    () => 'answered',
    (error) => error.code,
  );
}

describe.each(REQUESTS)('%s', (_name, needs, frame) => {
  test.each(['publish', 'follow', 'manage', 'publish-manage', 'nobody'])('by who may %s', async (user) => {
    const has = user.split('-');
    const isAllowed = needs.some((need) => need.split('-').every((right) => has.includes(right)));
    expect(await outcomeOf(peers.get(user)!, frame)).toBe(isAllowed ? 'answered' : 'Forbidden');
  });

  test('by an administrator', async () => {
    expect(await outcomeOf(root, frame)).toBe('answered');
  });
});

test.each<[string, (id: number) => Uint8Array[]]>([
  ['DELETE_STREAM', (id) => [encodeDeleteStream(id, { stream: 'orders' })]],
  ['DELETE_GROUP', (id) => [encodeDeleteGroup(id, GROUP)]],
])('%s needs the right to manage', async (_name, frame) => {
  for (const user of ['publish', 'follow', 'nobody']) {
    expect(await outcomeOf(peers.get(user)!, frame)).toBe('Forbidden');
  }
});

test('whether a stream exists is not told to who has no right to it', async () => {
  const nobody = peers.get('nobody')!;
  for (const stream of ['secret', 'there is none']) {
    nobody.send(encodeStreamInfo(nobody.nextRequestId(), { stream }));
    const error = await nobody.expectError();
    expect(error).toMatchObject({ code: 'Forbidden', details: { request: 'STREAM_INFO', stream } });
    expect(error.message).toContain('may not see');
  }
  expect(nobody.isClosed).toBe(false);
});

test('a list shows what one has a right to', async () => {
  const listed = async (user: string, bind?: { pattern: string }) => {
    const peer = user === 'root' ? root : peers.get(user)!;
    const frame = encodeListStreams(peer.nextRequestId(), bind === undefined ? {} : { bind });
    const { streams } = decodeStreamsListed((await peer.request(frame, Opcode.StreamsListed)).payload);
    return streams.map(({ name }) => name);
  };
  expect(await listed('root')).toEqual(['orders', 'other', 'secret']);
  expect(await listed('publish')).toEqual(['orders', 'other']);
  expect(await listed('follow', { pattern: 'e' })).toEqual(['orders']);
  expect(await listed('nobody')).toEqual([]);
});

test('a pattern publishes to the streams that it matches and the user may publish to', async () => {
  const peer = peers.get('publish')!;
  const confirm = await peer.request(publishByPattern(peer.nextRequestId(), '.*'), Opcode.Confirm);
  const { streams } = decodeConfirm(confirm.payload);
  expect(streams.map(({ stream }) => stream).sort()).toEqual(['orders', 'other']);
  peer.send(...publishByPattern(peer.nextRequestId(), '^secret$', true));
  expect(await peer.expectError()).toMatchObject({ code: 'NoMatchingStream' });
});

test('a pattern follows streams that come later, and only those that the user may follow', async () => {
  await using follower = await broker.as('publish');
  const credit = { upTo: 1_000, bytesUpTo: 2 ** 30 };
  const follow = encodeFollow(follower.nextRequestId(), { bind: { pattern: '^(shared|secret)' }, ...credit });
  const { follower: id } = decodeFollowing((await follower.request(follow, Opcode.Following)).payload);
  for (const stream of ['secret.late', 'shared.late']) {
    await create(root, stream);
    await root.request(publishFrame({ requestId: root.nextRequestId(), stream }), Opcode.Confirm);
  }
  await root.request(publishFrame({ requestId: root.nextRequestId(), stream: 'secret' }), Opcode.Confirm);
  const { stream, first } = decodeDeliver((await follower.expect(Opcode.Deliver)).payload);
  expect(stream).toBe('shared.late');
  // An ack asks for no right of its own: it is of a message that this connection was given.
  const entries = [{ stream, ranges: [{ first, last: first, attempt: 1 }] }];
  const ack = encodeAck(follower.nextRequestId(), { follower: id, entries });
  // Had anything of another stream been delivered, it would come before this.
  await follower.request(ack, Opcode.Acked);
});

test('a transaction with one publish that is not allowed does nothing', async () => {
  await using peer = await broker.as('publish');
  const batch = batchBytes({});
  const publishes = ['orders', 'secret'].map((stream) => ({ bind: { stream } }));
  const head = { number: 1, settled: 0, acks: [], publishes };
  peer.send(encodeTransactionHead(peer.nextRequestId(), head, [batch.length, batch.length]), batch, batch);
  expect(await peer.expectError()).toMatchObject({ code: 'Forbidden', details: { stream: 'secret' } });
});

test('schedules of streams without a right are not shown, and cannot be changed or put another in place of', async () => {
  await root.request(schedule(root.nextRequestId(), 'hidden', 'secret'), Opcode.ScheduleSaved);
  const peer = peers.get('publish-manage')!;
  await peer.request(schedule(peer.nextRequestId(), 'mine', 'orders'), Opcode.ScheduleSaved);
  const listed = await peer.request(encodeListSchedules(peer.nextRequestId()), Opcode.SchedulesListed);
  const names = decodeSchedulesListed(listed.payload).schedules.map(({ name }) => name);
  expect(names).toContain('mine');
  expect(names).not.toContain('hidden');
  expect(await outcomeOf(peer, (id) => schedule(id, 'hidden', 'orders'))).toBe('Forbidden');
  expect(await outcomeOf(peer, (id) => [encodePauseSchedule(id, { name: 'hidden', paused: true })])).toBe(
    'ScheduleNotFound',
  );
  expect(await outcomeOf(peer, (id) => [encodeDeleteSchedule(id, { name: 'hidden' })])).toBe(
    'ScheduleNotFound',
  );
  expect(await outcomeOf(peers.get('follow')!, (id) => [encodeDeleteSchedule(id, { name: 'mine' })])).toBe(
    'ScheduleNotFound',
  );
  expect(await outcomeOf(peer, (id) => [encodeDeleteSchedule(id, { name: 'mine' })])).toBe('answered');
});

test('dead letters follow the rights of their stream', async () => {
  const read = (stream: string) => (id: number) => [encodeRead(id, { stream })];
  // There are none yet: who may follow the stream learns that, and nobody else.
  expect(await outcomeOf(peers.get('follow')!, read('$dead.orders'))).toBe('StreamNotFound');
  expect(await outcomeOf(peers.get('publish')!, read('$dead.orders'))).toBe('Forbidden');
  expect(await outcomeOf(peers.get('follow')!, read('$dead.secret'))).toBe('Forbidden');
});

test('what is refused is told in the log, once and then by number', async () => {
  const before = broker.events('request.refused').length;
  const peer = peers.get('nobody')!;
  for (let i = 0; i < 50; i++)
    expect(await outcomeOf(peer, (id) => [encodeRead(id, { stream: 'loud' })])).toBe('Forbidden');
  const lines = broker.events('request.refused').slice(before);
  expect(lines[0]).toMatchObject({ user: 'nobody', request: 'READ', stream: 'loud' });
  // One more, with their number, for each five seconds that this took.
  expect(lines.length).toBeLessThan(10);
});
