import {
  decodeConfirm,
  encodeAck,
  encodeCreateStream,
  encodeCredit,
  encodeFrame,
  encodeListStreams,
  encodePurgeStream,
  encodeStreamInfo,
  FEATURES,
  HEARTBEAT_FRAME,
  Opcode,
  StreamNotFound,
} from '@simplemq/protocol';
import type { TestBroker } from '@simplemq/testkit';
import { RawPeer, startTestBroker } from '@simplemq/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FakeEngine } from '../fake-engine.ts';
import { type PublishFrame, publishFrame } from '../frames.ts';

let engine: FakeEngine;
let broker: TestBroker;
let peer: RawPeer;

beforeEach(async () => {
  engine = new FakeEngine();
  broker = await startTestBroker({ engine, limits: { maxMessageBytes: 1_000 } });
  peer = await RawPeer.open(broker);
});

afterEach(async () => {
  await peer.close();
  await broker[Symbol.asyncDispose]();
});

test('a publish is confirmed with the receipt of the engine', async () => {
  const frame = await peer.request(publishFrame({ requestId: 9, number: 4 }), Opcode.Confirm);
  expect(frame.requestId).toBe(9);
  expect(decodeConfirm(frame.payload)).toEqual({
    streams: [{ stream: 'orders', first: 1 }],
    durability: 'memory',
  });
  expect(engine.published[0]).toMatchObject({
    bind: { stream: 'orders' },
    producer: { number: 4, settled: 0 },
  });
  expect(engine.published[0]!.producer!.id).toMatch(/^[0-9a-f]{32}$/);
});

test('publishes reach the engine in the order in which they were sent', async () => {
  for (let number = 1; number <= 100; number++) peer.send(...publishFrame({ requestId: number }));
  for (let number = 1; number <= 100; number++) {
    expect((await peer.expect(Opcode.Confirm)).requestId).toBe(number);
  }
  expect(engine.published.map(({ producer }) => producer!.number)).toEqual(
    Array.from({ length: 100 }, (_, i) => i + 1),
  );
});

test('an error of the engine is the answer to that request, and the connection stays', async () => {
  engine.nextError = new StreamNotFound("there is no stream 'nope'");
  peer.send(...publishFrame({ requestId: 5, stream: 'nope' }));
  const frame = await peer.expectErrorFrame();
  expect(frame.requestId).toBe(5);
  await peer.request(encodeStreamInfo(6, { stream: 'orders' }), Opcode.StreamInfoReply);
});

test('an exception that nobody expected is answered too, and the process and the connection stay', async () => {
  engine.nextError = new TypeError('x is not a function');
  peer.send(encodePurgeStream(5, { stream: 'orders' }));
  expect(await peer.expectError()).toMatchObject({
    code: 'StorageFailed',
    message: expect.stringContaining('log'),
  });
  await peer.request(encodePurgeStream(6, { stream: 'orders' }), Opcode.StreamPurged);
});

test('a body over maxMessageBytes is MessageTooLarge; nothing reaches the engine and the connection stays', async () => {
  peer.send(...publishFrame({ requestId: 1, bodies: [Buffer.alloc(10), Buffer.alloc(1_001)] }));
  expect(await peer.expectError()).toMatchObject({
    code: 'MessageTooLarge',
    details: { limit: 'maxMessageBytes', value: 1_001 },
  });
  expect(engine.published).toHaveLength(0);
  await peer.request(publishFrame({ requestId: 2, bodies: [Buffer.alloc(1_000)] }), Opcode.Confirm);
});

test.each([
  [{ priority: 2 }, 'priority'],
  [{ deliverAt: 1 }, 'delay'],
  [{ delayMs: 1 }, 'delay'],
  [{ ttlMs: 1 }, 'ttl'],
  [{ messageId: 'a' }, 'dedup'],
])(
  'an attribute that needs a feature which the engine lacks is Unsupported: %j',
  async (attributes, feature) => {
    peer.send(...publishFrame({ requestId: 1, attributes }));
    expect(await peer.expectError()).toMatchObject({ code: 'Unsupported', details: { feature } });
    peer.send(...publishFrame({ requestId: 2, shared: attributes }));
    expect(await peer.expectError()).toMatchObject({ code: 'Unsupported', details: { feature } });
    engine.features = [feature];
    await peer.request(publishFrame({ requestId: 3, attributes, shared: attributes }), Opcode.Confirm);
  },
);

const dead = {
  stream: 'orders',
  group: 'workers',
  sequence: 1,
  publishedAt: 1,
  diedAt: 2,
  cause: 'rejected',
  error: '',
  attempts: [],
};

test.each<[string, Partial<PublishFrame>]>([
  ["'group', which the broker gives", { attributes: { group: 'workers' } }],
  ["'dead', which the broker gives", { attributes: { dead } }],
  ["a shared 'group', which the broker gives", { shared: { group: 'workers' } }],
  ['two times to be delivered at', { attributes: { deliverAt: 1, delayMs: 1 } }],
  ['one such time of its own and another shared', { shared: { deliverAt: 1 }, attributes: { delayMs: 1 } }],
  ['a priority that there is not', { attributes: { priority: 4 } }],
  ['a time to live of nothing', { attributes: { ttlMs: 0 } }],
])('an attribute that no client may send is a ProtocolViolation: %s', async (_what, attributes) => {
  engine.features = FEATURES;
  peer.send(...publishFrame({ requestId: 1, ...attributes }));
  expect(await peer.expectError()).toMatchObject({ code: 'ProtocolViolation' });
  await peer.closed;
  expect(engine.published).toHaveLength(0);
});

test('headers and a key need no feature', async () => {
  const attributes = { headers: { a: 'b' }, key: 'k' };
  await peer.request(publishFrame({ requestId: 1, attributes, shared: attributes }), Opcode.Confirm);
});

test('a field that this version does not know is Unsupported, and the connection stays', async () => {
  const options = { storage: 'file', shards: 4 } as object;
  peer.send(encodeCreateStream(1, { stream: 'orders', options }));
  expect(await peer.expectError()).toMatchObject({ code: 'Unsupported', details: { field: 'shards' } });
  await peer.request(encodeCreateStream(2, { stream: 'orders', options: {} }), Opcode.StreamCreated);
});

test('an ack of a follower that is not of this connection is FollowerNotFound; a credit is ignored', async () => {
  peer.send(
    encodeCredit({ follower: 77, upTo: 1, bytesUpTo: 1 }),
    encodeAck(3, { follower: 77, entries: [] }),
  );
  const frame = await peer.expectErrorFrame();
  expect(frame.requestId).toBe(3);
  await peer.request(encodeListStreams(4, {}), Opcode.StreamsListed);
});

test.each<[string, Uint8Array]>([
  ['a length over the limit', Buffer.from('ffffffff200000000100', 'hex')],
  ['a length of nothing', Buffer.from('00000001', 'hex')],
  ['an opcode that is none', Buffer.from('00000005ee00000001', 'hex')],
  ['an opcode of servers', encodeFrame(Opcode.Deliver, 0, Buffer.of(0x80))],
  ['an envelope that is not msgpack', encodeFrame(Opcode.StreamInfo, 7, Buffer.of(0xc1))],
  ['an envelope that is no map', encodeFrame(Opcode.StreamInfo, 7, Buffer.of(0x01))],
  ['a field of the wrong type', encodeFrame(Opcode.StreamInfo, 7, Buffer.from('81a673747265616d01', 'hex'))],
  ['a batch whose checksum is wrong', brokenBatch()],
])('%s is a ProtocolViolation that ends that connection and no other', async (_what, bytes) => {
  await using other = await RawPeer.open(broker);
  peer.send(bytes);
  expect(await peer.expectError()).toMatchObject({ code: 'ProtocolViolation' });
  await peer.closed;
  await other.request(encodeStreamInfo(1, { stream: 'orders' }), Opcode.StreamInfoReply);
});

test('a second HELLO is a ProtocolViolation', async () => {
  await expect(peer.hello()).rejects.toMatchObject({ code: 'ProtocolViolation' });
});

test('what follows a violation is not carried out', async () => {
  peer.send(Buffer.from('00000005ee00000001', 'hex'), ...publishFrame({ requestId: 1 }));
  await peer.expectError();
  await peer.closed;
  expect(engine.published).toHaveLength(0);
});

test('heartbeats have no answer', async () => {
  peer.send(HEARTBEAT_FRAME, HEARTBEAT_FRAME, encodeStreamInfo(1, { stream: 'orders' }));
  await peer.expect(Opcode.StreamInfoReply);
});

function brokenBatch(): Buffer {
  const frame = Buffer.concat(publishFrame({ requestId: 1 }));
  frame[frame.length - 1]! ^= 1;
  return frame;
}
