import { decodeTransacted, encodeTransactionHead, FEATURES, Opcode, StaleAck } from '@simplemq/protocol';
import { RawPeer, startTestBroker, type TestBroker } from '@simplemq/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FakeEngine } from '../fake-engine.ts';
import { batchBytes, followFrame, type PublishFrame } from '../frames.ts';

let engine: FakeEngine;
let broker: TestBroker;
let peer: RawPeer;

beforeEach(async () => {
  engine = new FakeEngine();
  engine.features = FEATURES;
  broker = await startTestBroker({ engine, limits: { maxMessageBytes: 1_000 } });
  peer = await RawPeer.open(broker);
});

afterEach(async () => {
  await peer.close();
  await broker[Symbol.asyncDispose]();
});

const entries = [{ stream: 'orders', ranges: [{ first: 1, last: 3, attempt: 1 }] }];

/** A TRANSACTION of one publish for each of `batches`, and an ack of each of `followers`. */
function transactionFrame(
  batches: readonly Omit<PublishFrame, 'requestId'>[],
  followers: readonly number[] = [],
): Uint8Array[] {
  const encoded = batches.map(batchBytes);
  const transaction = {
    number: 5,
    settled: 4,
    acks: followers.map((follower) => ({ follower, entries })),
    publishes: batches.map(({ stream = 'orders' }) => ({ bind: { stream } })),
  };
  const head = encodeTransactionHead(
    9,
    transaction,
    encoded.map(({ length }) => length),
  );
  return [head, ...encoded];
}

test('publishes and acks reach the engine as one, and the receipt names each publish', async () => {
  await peer.request(followFrame(1), Opcode.Following);
  const frame = await peer.request(
    transactionFrame([{ stream: 'a' }, { stream: 'b', bodies: [Buffer.of(1), Buffer.of(2)] }], [1]),
    Opcode.Transacted,
  );
  expect(frame.requestId).toBe(9);
  expect(decodeTransacted(frame.payload)).toEqual({
    publishes: [[{ stream: 'orders', first: 1 }], [{ stream: 'orders', first: 2 }]],
    durability: 'memory',
  });
  const [request] = engine.calls[0]!.given;
  expect(request).toMatchObject({
    publishes: [
      { bind: { stream: 'a' }, batch: { count: 1 } },
      { bind: { stream: 'b' }, batch: { count: 2 } },
    ],
    acks: [{ follower: engine.followers[0], entries }],
    producer: { id: expect.stringMatching(/^[0-9a-f]{32}$/), number: 5, settled: 4 },
  });
});

test("an ack of a follower that is not this connection's is FollowerNotFound, and nothing is done", async () => {
  await using other = await RawPeer.open(broker);
  await other.request(followFrame(1), Opcode.Following);
  peer.send(...transactionFrame([{}], [1]));
  expect(await peer.expectError()).toMatchObject({ code: 'FollowerNotFound' });
  expect(engine.calls).toEqual([]);
});

test('one that comes again after a reconnect gets its receipt, although its followers are gone', async () => {
  await peer.request(followFrame(1), Opcode.Following);
  const first = await peer.request(transactionFrame([{}], [1]), Opcode.Transacted);
  await using again = await RawPeer.open(broker);
  const second = await again.request(transactionFrame([{}], [1]), Opcode.Transacted);
  expect(decodeTransacted(second.payload)).toEqual(decodeTransacted(first.payload));
});

test('an ack that comes too late is the StaleAck of the engine, and the connection stays', async () => {
  engine.nextError = new StaleAck('orders 1 to 3 are acked already');
  peer.send(...transactionFrame([{}]));
  expect(await peer.expectError()).toMatchObject({ code: 'StaleAck' });
  await peer.request(transactionFrame([{}]), Opcode.Transacted);
});

test('each of its batches is checked as that of a publish', async () => {
  engine.features = ['transactions'];
  peer.send(...transactionFrame([{}, { attributes: { delayMs: 5 } }]));
  expect(await peer.expectError()).toMatchObject({ code: 'Unsupported', details: { feature: 'delay' } });
  peer.send(...transactionFrame([{}, { bodies: [Buffer.alloc(1_001)] }]));
  expect(await peer.expectError()).toMatchObject({ code: 'MessageTooLarge' });
  expect(engine.calls).toEqual([]);
});

test('a server without the feature has no transactions', async () => {
  engine.features = FEATURES.filter((feature) => feature !== 'transactions');
  peer.send(...transactionFrame([{}]));
  expect(await peer.expectError()).toMatchObject({
    code: 'Unsupported',
    details: { feature: 'transactions' },
  });
});
