import { randomBytes } from 'node:crypto';
import {
  BatchBuilder,
  encodeCreateStream,
  encodeHello,
  encodePublishHead,
  Opcode,
  PROTOCOL_VERSION,
} from '@simplemq/protocol';
import { RawPeer, type SpawnedBroker, spawnBroker, startTestBroker } from '@simplemq/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Bystander } from '../live/bystander.ts';
import { residentMb } from '../resident.ts';

/** Known attacks on length prefixes, on a broker that runs while somebody else works on it. */
let broker: SpawnedBroker;
let bystander: Bystander;

const MAX_FRAME_BYTES = 8 * 1024 * 1024;
const HANDSHAKE_BYTES = 64 * 1024;
/** A broker that works takes tens of MB more now and then; what is announced here would be 800. */
const GROWTH_MB_MAX = 128;

beforeAll(async () => {
  broker = await spawnBroker({
    limits: { maxMessageBytes: 100_000, maxFrameBytes: MAX_FRAME_BYTES },
    logs: { level: 'fatal' },
  });
  bystander = await Bystander.start(broker.port);
});

afterAll(async () => {
  expect(await bystander.end()).toBeGreaterThan(0);
  await bystander[Symbol.asyncDispose]();
  await broker[Symbol.asyncDispose]();
});

function head(length: number, opcode: number = Opcode.Publish): Buffer {
  const bytes = Buffer.alloc(9);
  bytes.writeUInt32BE(length, 0);
  bytes[4] = opcode;
  bytes.writeUInt32BE(7, 5);
  return bytes;
}

describe('a length that no frame may have is a ProtocolViolation that ends its connection', () => {
  const refused = [0, 1, 4, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1];

  test.each([...refused, MAX_FRAME_BYTES + 1])('%i', async (length) => {
    await using peer = await RawPeer.open(broker);
    peer.send(head(length));
    expect(await peer.expectError()).toMatchObject({ code: 'ProtocolViolation' });
    await peer.closed;
  });

  test.each([...refused, HANDSHAKE_BYTES + 1])('%i, of a HELLO', async (length) => {
    await using peer = await RawPeer.connect(broker);
    peer.send(head(length, Opcode.Hello));
    expect(await peer.expectError()).toMatchObject({ code: 'ProtocolViolation' });
    await peer.closed;
  });

  test.each([...refused, MAX_FRAME_BYTES + 1])('%i, byte by byte: known by the fourth', async (length) => {
    await using peer = await RawPeer.open(broker);
    for (const byte of head(length).subarray(0, 4)) await written(peer, Buffer.of(byte));
    expect(await peer.expectError()).toMatchObject({ code: 'ProtocolViolation' });
    await peer.closed;
  });
});

test('frames that are announced and never sent take no memory, however many', async () => {
  const before = await residentMb(broker);
  const peers = await Promise.all(Array.from({ length: 100 }, () => RawPeer.open(broker)));
  try {
    for (const peer of peers) await written(peer, Buffer.concat([head(MAX_FRAME_BYTES), Buffer.alloc(100)]));
    // Somebody who comes afterwards is answered, and by then the broker has read what came before.
    await using later = await RawPeer.open(broker);
    await later.request(
      encodeCreateStream(later.nextRequestId(), { stream: 'later', options: {} }),
      Opcode.StreamCreated,
    );
    expect(peers.some((peer) => peer.isClosed)).toBe(false);
    expect((await residentMb(broker)) - before).toBeLessThan(GROWTH_MB_MAX);
  } finally {
    await Promise.all(peers.map((peer) => peer.close()));
  }
});

test('a frame that is announced and never sent ends with its connection, by three heartbeats of silence', async () => {
  await using impatient = await startTestBroker({ heartbeatMs: 50 });
  await using peer = await RawPeer.open(impatient);
  peer.send(head(1_000));
  await peer.closed;
});

test('a HELLO that comes a byte at a time has no more time than any other', async () => {
  const hello = {
    version: PROTOCOL_VERSION,
    client: 'x'.repeat(1_000),
    producer: randomBytes(16),
    features: [],
  };
  await using impatient = await startTestBroker({ handshakeTimeoutMs: 300 });
  await using peer = await RawPeer.connect(impatient);
  const drip = setInterval(
    (bytes: Iterator<number>) => {
      const { value, done } = bytes.next();
      if (done !== true && !peer.isClosed) peer.send(Buffer.of(value));
    },
    10,
    encodeHello(1, hello)[Symbol.iterator](),
  );
  try {
    // All of it would take ten seconds.
    expect(await peer.expectError()).toMatchObject({ code: 'ProtocolViolation' });
    await peer.closed;
  } finally {
    clearInterval(drip);
  }
});

test('a publish that comes a byte at a time is confirmed, and takes no more memory than its bytes', async () => {
  await using peer = await RawPeer.open(broker);
  await peer.request(
    encodeCreateStream(peer.nextRequestId(), { stream: 'drip', options: {} }),
    Opcode.StreamCreated,
  );
  const builder = new BatchBuilder();
  builder.append(Buffer.alloc(5_000, 'x'), true);
  const batch = builder.finish();
  const publish = { bind: { stream: 'drip' }, number: 1, settled: 0 };
  const before = await residentMb(broker);
  for (const byte of Buffer.concat([encodePublishHead(9, publish, batch.length), batch])) {
    await written(peer, Buffer.of(byte));
  }
  await peer.expect(Opcode.Confirm);
  expect((await residentMb(broker)) - before).toBeLessThan(GROWTH_MB_MAX);
});

test('frames of nothing but a header, thousands in one piece, are each answered or ignored in turn', async () => {
  await using peer = await RawPeer.open(broker);
  const heartbeats = Buffer.alloc(9 * 7_000, head(5, Opcode.Heartbeat));
  peer.send(heartbeats, encodeCreateStream(77, { stream: 'behind-them', options: {} }));
  expect((await peer.expect(Opcode.StreamCreated)).requestId).toBe(77);
});

function written(peer: RawPeer, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => peer.socket.write(bytes, () => resolve()));
}
