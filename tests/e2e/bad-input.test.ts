import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  BatchBuilder,
  decodeConfirm,
  decodeDeliver,
  decodeFollowing,
  decodeSettled,
  encodeAck,
  encodeCreateStream,
  encodeFollow,
  encodeFrame,
  encodeListStreams,
  encodePublishHead,
  encodeStreamInfo,
  encodeUnfollow,
  type Frame,
  Opcode,
} from '@simplemq/protocol';
import { RawPeer, spawnBroker, startTestBroker, type TestBroker, temporaryFolder } from '@simplemq/testkit';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

/** The table "Bad input, and what it gets", row by row, over real sockets and a real database. */
let broker: TestBroker;
/** A connection that minds its own business; whatever others send, it must go on. */
let bystander: RawPeer;

beforeAll(async () => {
  broker = await startTestBroker({ limits: { maxMessageBytes: 10_000 } });
  bystander = await RawPeer.open(broker);
  await createStream(bystander, 'bystander');
});

afterAll(async () => {
  await bystander.close();
  await broker[Symbol.asyncDispose]();
});

async function bystanderIsUntouched(): Promise<void> {
  expect(bystander.isClosed).toBe(false);
  await publish(bystander, 'bystander', [Buffer.from('still here')]);
}

async function createStream(peer: RawPeer, stream: string): Promise<void> {
  await peer.request(encodeCreateStream(peer.nextRequestId(), { stream, options: {} }), Opcode.StreamCreated);
}

function publishFrame(requestId: number, stream: string, bodies: readonly Uint8Array[]): Uint8Array[] {
  const builder = new BatchBuilder();
  for (const body of bodies) builder.append(body, true);
  const batch = builder.finish();
  return [
    encodePublishHead(requestId, { bind: { stream }, number: requestId, settled: 0 }, batch.length),
    batch,
  ];
}

function publish(peer: RawPeer, stream: string, bodies: readonly Uint8Array[]): Promise<Frame> {
  return peer.request(publishFrame(peer.nextRequestId(), stream, bodies), Opcode.Confirm);
}

async function follow(peer: RawPeer, stream: string): Promise<number> {
  const credit = { upTo: 1_000, bytesUpTo: 2 ** 30 };
  const request = encodeFollow(peer.nextRequestId(), { bind: { stream }, ...credit });
  return decodeFollowing((await peer.request(request, Opcode.Following)).payload).follower;
}

describe('a frame longer than the limit, a truncated or random frame, a wrong opcode', () => {
  test.each<[string, Buffer]>([
    ['longer than the limit', Buffer.from('7fffffff2000000001', 'hex')],
    ['of a wrong opcode', Buffer.from('000000057700000001', 'hex')],
    ['of an opcode that only servers send', encodeFrame(Opcode.Confirm, 1, Buffer.of(0x80))],
    ['with a truncated envelope', encodeFrame(Opcode.Publish, 1, Buffer.from('82a67374', 'hex'))],
    ['of zeros', Buffer.alloc(64)],
  ])('a frame %s is a ProtocolViolation that closes that connection only', async (_what, bytes) => {
    await using peer = await RawPeer.open(broker);
    peer.send(bytes);
    expect(await peer.expectError()).toMatchObject({ code: 'ProtocolViolation' });
    await peer.closed;
    await bystanderIsUntouched();
  });

  test('a frame that breaks off with its connection harms nobody', async () => {
    const frame = Buffer.concat(publishFrame(1, 'bystander', [Buffer.from('half')]));
    for (let end = 1; end < frame.length; end += 7) {
      const peer = await RawPeer.open(broker);
      peer.send(frame.subarray(0, end));
      await peer.close();
    }
    await bystanderIsUntouched();
  });

  test('random bytes harm nobody', async () => {
    for (let i = 0; i < 30; i++) {
      await using peer = i % 2 === 0 ? await RawPeer.open(broker) : await RawPeer.connect(broker);
      const bytes = randomBytes(200);
      // A length that is allowed, so that what is inside is looked at.
      if (i % 3 === 0) bytes.writeUInt32BE(196, 0);
      // The first byte of a length that no frame may have.
      else bytes[0]! |= 0x80;
      // A heartbeat would be right.
      if (bytes[4] === Opcode.Heartbeat) bytes[4] = 0;
      peer.send(bytes);
      expect(await peer.expectError()).toMatchObject({
        code: expect.stringMatching(/ProtocolViolation|Unsupported/),
      });
      peer.socket.end();
      await peer.closed;
    }
    await bystanderIsUntouched();
  });
});

test('HTTP sent to the TCP port gets one readable line, and is closed', async () => {
  await using peer = await RawPeer.connect({ port: broker.port, raw: true });
  peer.send(Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'));
  await peer.closed;
  expect(peer.received.toString()).toMatch(
    /^HTTP\/1.1 400 Bad Request\r\n[\s\S]*\r\n\r\n[^\n]*SimpleMQ[^\n]*\n$/,
  );
  await bystanderIsUntouched();
});

test('a body larger than maxMessageBytes is MessageTooLarge from the broker, and the connection stays', async () => {
  await using peer = await RawPeer.open(broker);
  peer.send(...publishFrame(peer.nextRequestId(), 'bystander', [Buffer.alloc(10_001)]));
  expect(await peer.expectError()).toMatchObject({
    code: 'MessageTooLarge',
    message: expect.stringContaining('limits.maxMessageBytes'),
  });
  await publish(peer, 'bystander', [Buffer.alloc(10_000)]);
});

describe('a name that is empty, too long, has a slash-dot path or control characters', () => {
  test.each([
    ['', /empty/],
    ['x'.repeat(256), /255/],
    ['a/../b', /path segment/],
    ['./a', /path segment/],
    ['a\u0000b', /control/],
    ['a\nb', /control/],
    ['$mine', /'\$'/],
  ])('%j is InvalidName, naming the rule', async (stream, rule) => {
    await using peer = await RawPeer.open(broker);
    peer.send(encodeCreateStream(peer.nextRequestId(), { stream, options: {} }));
    expect(await peer.expectError()).toMatchObject({
      code: 'InvalidName',
      message: expect.stringMatching(rule),
    });
    await createStream(peer, 'a good name');
  });
});

describe('a pattern that does not parse, has look-around, or is too long', () => {
  test.each([
    ['orders(', 6],
    ['a(?=b)', 1],
    ['a(?<!b)', 1],
    ['x'.repeat(1_025), undefined],
  ])('%j is InvalidPattern, with the position', async (pattern, position) => {
    await using peer = await RawPeer.open(broker);
    peer.send(encodeListStreams(peer.nextRequestId(), { bind: { pattern } }));
    const error = await peer.expectError();
    expect(error.code).toBe('InvalidPattern');
    if (position !== undefined) expect(error.details).toMatchObject({ position: expect.any(Number) });
    await createStream(peer, 'a good name');
  });
});

test('storage at its limit is StorageFull; what was confirmed stays; consuming goes on, and frees space', async () => {
  await using full = await startTestBroker({ storage: { maxBytes: '2 MiB' } });
  await using peer = await RawPeer.open(full);
  await createStream(peer, 'big');
  const body = randomBytes(50_000);
  let confirmed = 0;
  for (;;) {
    peer.send(...publishFrame(peer.nextRequestId(), 'big', [body]));
    const frame = await peer.next();
    if (frame.opcode === Opcode.Error) break;
    confirmed += decodeConfirm(frame.payload).streams.length;
    expect(confirmed).toBeLessThan(100);
  }
  peer.send(...publishFrame(peer.nextRequestId(), 'big', [body]));
  expect(await peer.expectError()).toMatchObject({ code: 'StorageFull' });
  expect(confirmed).toBeGreaterThan(5);

  await using worker = await RawPeer.open(full);
  const follower = await follow(worker, 'big');
  for (let first = 1; first <= confirmed; ) {
    const run = decodeDeliver((await worker.expect(Opcode.Deliver)).payload);
    expect(run.first).toBe(first);
    first += run.batch.count;
  }
  const ranges = [{ first: 1, last: confirmed, attempt: 1 }];
  const ack = encodeAck(worker.nextRequestId(), { follower, entries: [{ stream: 'big', ranges }] });
  expect(decodeSettled((await worker.request(ack, Opcode.Acked)).payload).stale).toEqual([]);
  await publish(peer, 'big', [body]);
});

describe('an ack of an unknown, acked or re-leased message', () => {
  test('is told as stale, and nothing changes', async () => {
    await using peer = await RawPeer.open(broker);
    await createStream(peer, 'acks');
    await publish(peer, 'acks', [Buffer.from('a'), Buffer.from('b')]);
    await using worker = await RawPeer.open(broker);
    const follower = await follow(worker, 'acks');
    await worker.expect(Opcode.Deliver);
    const ack = async (by: RawPeer, id: number, sequence: number, attempt: number) => {
      const ranges = [{ first: sequence, last: sequence, attempt }];
      const frame = encodeAck(by.nextRequestId(), { follower: id, entries: [{ stream: 'acks', ranges }] });
      return decodeSettled((await by.request(frame, Opcode.Acked)).payload).stale.length;
    };
    expect(await ack(worker, follower, 99, 1), 'unknown').toBe(1);
    expect(await ack(worker, follower, 2, 7), 'of another attempt').toBe(1);
    expect(await ack(worker, follower, 1, 1)).toBe(0);
    expect(await ack(worker, follower, 1, 1), 'acked').toBe(1);

    const other = await follow(peer, 'acks');
    await worker.request(encodeUnfollow(worker.nextRequestId(), { follower }), Opcode.Unfollowed);
    const again = decodeDeliver((await peer.expect(Opcode.Deliver)).payload);
    expect(again).toMatchObject({ first: 2, attempt: 2 });
    expect(await ack(peer, other, 2, 1), 'of the lease before').toBe(1);
    expect(await ack(peer, other, 2, 2)).toBe(0);
  });
});

describe('an old client, a feature the broker lacks', () => {
  test('another version is Unsupported, saying which', async () => {
    await using peer = await RawPeer.connect(broker);
    await expect(peer.hello({ version: 0 })).rejects.toMatchObject({
      code: 'Unsupported',
      message: expect.stringMatching(/version 0 .*version 1.*update the client/),
    });
    await peer.closed;
  });

  test('a feature is Unsupported, saying which', async () => {
    await using peer = await RawPeer.connect(broker);
    await expect(peer.hello({ features: ['teleport'] })).rejects.toMatchObject({
      code: 'Unsupported',
      message: expect.stringContaining('teleport'),
    });
    await peer.closed;
  });
});

describe('a server that cannot start says so in one clear line, exits with 1 and touches nothing', () => {
  async function lineOf(options: Parameters<typeof spawnBroker>[0]): Promise<string> {
    const error = await spawnBroker(options).then(
      () => expect.fail('it started'),
      (error: Error) => error,
    );
    const match = /^the broker ended with code 1 \(null\) before it listened: ([^\n]+)\n$/.exec(
      error.message,
    );
    expect(match, error.message).not.toBeNull();
    return match![1]!;
  }

  test('a port in use', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'data');
    expect(await lineOf({ port: broker.port, storage: { path } })).toContain(`port ${broker.port}`);
    expect(await readdir(folder.path)).toEqual([]);
    await bystanderIsUntouched();
  });

  test('a folder that cannot be written', async () => {
    await using folder = await temporaryFolder();
    const file = join(folder.path, 'file');
    await writeFile(file, 'precious');
    expect(await lineOf({ storage: { path: join(file, 'data') } })).toContain(file);
    expect(await readFile(file, 'utf8')).toBe('precious');
  });

  test('a second broker on the same folder', async () => {
    expect(await lineOf({ storage: { path: broker.path } })).toContain(broker.path);
    await bystanderIsUntouched();
  });

  test('a database of a newer version', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'data');
    await mkdir(path);
    const first = await startTestBroker({ storage: { path } });
    await first[Symbol.asyncDispose]();
    const name = (await readdir(path)).find((file) => file.endsWith('.db'))!;
    const database = new Database(join(path, name));
    database.pragma('user_version = 1000');
    database.close();
    const before = await readFile(join(path, name));
    expect(await lineOf({ storage: { path } })).toContain('newer');
    expect(await readFile(join(path, name))).toEqual(before);
  });

  test('settings that are wrong', async () => {
    expect(await lineOf({ port: 70_000 })).toContain('port is 70000');
  });
});

test('after all of it the broker answers as before', async () => {
  await bystanderIsUntouched();
  const summary = encodeStreamInfo(bystander.nextRequestId(), { stream: 'bystander' });
  await bystander.request(summary, Opcode.StreamInfoReply);
});
