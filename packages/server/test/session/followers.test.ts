import {
  decodeDeliver,
  decodeFollowerEnded,
  decodeFollowing,
  decodeSettled,
  encodeAck,
  encodeCredit,
  encodeExtend,
  encodeFollow,
  encodeNack,
  encodeReject,
  encodeRelease,
  encodeStreamInfo,
  encodeUnfollow,
  FEATURES,
  Opcode,
  ServerClosing,
  StreamNotFound,
} from '@simplemq/protocol';
import { RawPeer, startTestBroker, type TestBroker } from '@simplemq/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FakeEngine, type FakeFollower } from '../fake-engine.ts';
import { followFrame } from '../frames.ts';

let engine: FakeEngine;
let broker: TestBroker;
let peer: RawPeer;

beforeEach(async () => {
  engine = new FakeEngine();
  engine.features = FEATURES;
  broker = await startTestBroker({ engine, limits: { maxFollowersPerConnection: 2 } });
  peer = await RawPeer.open(broker, { client: 'worker 7' });
});

afterEach(async () => {
  await peer.close();
  await broker[Symbol.asyncDispose]();
});

async function follow(): Promise<FakeFollower> {
  await peer.request(followFrame(peer.nextRequestId()), Opcode.Following);
  return engine.followers.at(-1)!;
}

test('a follower is named by the id that the engine gave it, and the engine is told the client', async () => {
  const frame = await peer.request(followFrame(5), Opcode.Following);
  expect(frame.requestId).toBe(5);
  expect(decodeFollowing(frame.payload)).toEqual({ follower: 1, leaseMs: 30_000 });
  expect(engine.followers[0]!.request).toMatchObject({ client: 'worker 7', bind: { stream: 'orders' } });
});

test('a follower may bring the options of its group, and where it begins', async () => {
  const options = { ordering: 'key', retry: { maxDeliveries: 5, factor: 1.5 } };
  const startFrom = { sequence: 41 };
  const bind = { stream: 'orders' };
  const frame = encodeFollow(5, { bind, group: 'billing', startFrom, options, upTo: 1, bytesUpTo: 1 });
  await peer.request(frame, Opcode.Following);
  expect(engine.followers[0]!.request).toMatchObject({ group: 'billing', startFrom, options });
});

test('a run is delivered as a batch whose checksum holds', async () => {
  const follower = await follow();
  expect(follower.deliver(41, 100)).toBe(true);
  const deliver = decodeDeliver((await peer.expect(Opcode.Deliver)).payload);
  expect(deliver).toMatchObject({
    follower: 1,
    stream: 'orders',
    first: 41,
    attempt: 1,
    batch: { count: 1 },
  });
  expect(deliver.batch.records).toHaveLength(105);
});

test('FOLLOWING comes before the first delivery, even of an engine that is too quick', async () => {
  engine.onFollow = (follower) => {
    expect(follower.deliver(1)).toBe(false);
    queueMicrotask(() => follower.deliver(2));
  };
  peer.send(followFrame(1));
  await peer.expect(Opcode.Following);
  expect(decodeDeliver((await peer.expect(Opcode.Deliver)).payload).first).toBe(1);
  expect(decodeDeliver((await peer.expect(Opcode.Deliver)).payload).first).toBe(2);
  expect(engine.followers[0]!.resumes).toBe(1);
});

test('credit, ack, nack, extend, release and reject reach the follower', async () => {
  const follower = await follow();
  const entries = [{ stream: 'orders', ranges: [{ first: 1, last: 2, attempt: 1 }] }];
  peer.send(encodeCredit({ follower: 1, upTo: 7, bytesUpTo: 8 }));
  const answers = [
    await peer.request(encodeAck(11, { follower: 1, entries }), Opcode.Acked),
    await peer.request(encodeNack(12, { follower: 1, entries, delayMs: 5, reason: 'no' }), Opcode.Nacked),
    await peer.request(encodeExtend(13, { follower: 1, entries }), Opcode.Extended),
    await peer.request(encodeRelease(14, { follower: 1, entries }), Opcode.Released),
    await peer.request(encodeReject(15, { follower: 1, entries, reason: 'bad' }), Opcode.Rejected),
  ];
  expect(answers.map(({ requestId }) => requestId)).toEqual([11, 12, 13, 14, 15]);
  expect(decodeSettled(answers[0]!.payload)).toEqual({ stale: [] });
  expect(follower.calls).toEqual([
    { what: 'credit', options: { upTo: 7, bytesUpTo: 8 } },
    { what: 'ack', entries, options: undefined },
    { what: 'nack', entries, options: { delayMs: 5, reason: 'no' } },
    { what: 'extend', entries, options: undefined },
    { what: 'release', entries, options: undefined },
    { what: 'reject', entries, options: { reason: 'bad' } },
  ]);
});

test('unfollow closes the follower; an ack for it is FollowerNotFound then', async () => {
  const follower = await follow();
  await peer.request(encodeUnfollow(2, { follower: 1 }), Opcode.Unfollowed);
  expect(follower.isClosed).toBe(true);
  peer.send(encodeAck(3, { follower: 1, entries: [] }));
  expect(await peer.expectError()).toMatchObject({ code: 'FollowerNotFound' });
});

test("one connection cannot touch another's follower", async () => {
  await follow();
  await using other = await RawPeer.open(broker);
  other.send(encodeUnfollow(1, { follower: 1 }));
  expect(await other.expectError()).toMatchObject({ code: 'FollowerNotFound' });
  expect(engine.followers[0]!.isClosed).toBe(false);
});

test('a follower too many is TooManyFollowers', async () => {
  await follow();
  await follow();
  peer.send(followFrame(9));
  expect(await peer.expectError()).toMatchObject({ code: 'TooManyFollowers' });
});

test('followers are closed when the connection is', async () => {
  await follow();
  await follow();
  await peer.close();
  await engine.until(() => engine.followers.every(({ isClosed }) => isClosed));
});

test('a follower that opens as its connection is lost is closed', async () => {
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const realFollow = engine.follow.bind(engine);
  const { promise: asked, resolve: tellAsked } = Promise.withResolvers<void>();
  engine.follow = async (request, sink) => {
    tellAsked();
    await gate;
    return realFollow(request, sink);
  };
  peer.send(followFrame(1));
  await asked;
  await peer.close();
  await using other = await RawPeer.open(broker);
  await other.request(encodeStreamInfo(1, { stream: 'orders' }), Opcode.StreamInfoReply);
  open();
  await engine.until(() => engine.followers[0]?.isClosed === true);
});

test('a follower that ends by no wish of its own is told so', async () => {
  const follower = await follow();
  follower.sink.ended(new StreamNotFound('the stream was deleted'));
  const ended = decodeFollowerEnded((await peer.expect(Opcode.FollowerEnded)).payload);
  expect(ended).toMatchObject({ follower: 1, error: { code: 'StreamNotFound' } });
  expect(follower.deliver(1)).toBe(false);
});

test('a server that closes ends no follower: the client resumes it later', async () => {
  const follower = await follow();
  follower.sink.ended(new ServerClosing('closing'));
  await peer.request(encodeStreamInfo(2, { stream: 'orders' }), Opcode.StreamInfoReply);
});
