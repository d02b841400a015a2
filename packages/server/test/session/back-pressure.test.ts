import { Writable } from 'node:stream';
import {
  decodeDeliver,
  decodeError,
  decodeFollowing,
  encodeAck,
  encodeFrame,
  encodeHealth,
  encodeListStreams,
  encodeStreamInfo,
  Opcode,
} from '@simplemq/protocol';
import { RawPeer, startTestBroker } from '@simplemq/testkit';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { FakeEngine } from '../fake-engine.ts';
import { followFrame, publishFrame } from '../frames.ts';
import { LogLines } from '../log-lines.ts';

const MIB = 2 ** 20;

test('a connection with too many unconfirmed batches is not read, and loses none', async () => {
  const engine = new FakeEngine();
  engine.holds = true;
  await using broker = await startTestBroker({ engine, limits: { maxUnconfirmedBatches: 4 } });
  await using peer = await RawPeer.open(broker);
  await using other = await RawPeer.open(broker);
  const count = 200;
  const body = Buffer.alloc(64 * 1024);
  for (let id = 1; id <= count; id++) peer.send(...publishFrame({ requestId: id, bodies: [body] }));
  await engine.until(() => engine.held.length > 4);
  // Others are served, and by the time they are no further batch of the first was read but those of one chunk.
  for (let id = 1; id <= 20; id++) {
    await other.request(encodeStreamInfo(id, { stream: 'orders' }), Opcode.StreamInfoReply);
  }
  expect(engine.published.length).toBeLessThan(10);
  engine.holds = false;
  for (const { confirm } of engine.held.splice(0)) confirm();
  for (let id = 1; id <= count; id++) expect((await peer.expect(Opcode.Confirm)).requestId).toBe(id);
});

test('all connections together are held to a number of unconfirmed bytes, and small requests go on', async () => {
  const engine = new FakeEngine();
  engine.holds = true;
  const limits = { maxUnconfirmedBytesTotal: '1 MiB' };
  await using broker = await startTestBroker({ engine, limits });
  const peers = await Promise.all(Array.from({ length: 8 }, () => RawPeer.open(broker)));
  const bodies = [Buffer.alloc(256 * 1024)];
  for (const peer of peers) {
    for (let id = 1; id <= 4; id++) peer.send(...publishFrame({ requestId: id, bodies }));
  }
  await engine.until(() => engine.held.length >= 4);
  await using other = await RawPeer.open(broker);
  for (let id = 1; id <= 50; id++) {
    await other.request(encodeStreamInfo(id, { stream: 'orders' }), Opcode.StreamInfoReply);
  }
  // Each may have had one more on its way when the limit was reached.
  expect(engine.published.length).toBeLessThanOrEqual(4 + 8);
  engine.holds = false;
  for (const { confirm } of engine.held.splice(0)) confirm();
  for (const peer of peers) {
    for (let id = 1; id <= 4; id++) await peer.expect(Opcode.Confirm);
    await peer.close();
  }
});

test('a follower whose client does not read is given no more, and goes on when it does', async () => {
  const engine = new FakeEngine();
  await using broker = await startTestBroker({ engine });
  await using peer = await RawPeer.open(broker);
  await peer.request(followFrame(1), Opcode.Following);
  const follower = engine.followers[0]!;
  peer.pause();
  let sent = 0;
  // The systems between take some megabytes before the server sees that nobody reads.
  while (follower.deliver(++sent, 100_000));
  const burst = sent;
  expect(burst * 100_000).toBeLessThan(32 * MIB);
  expect(follower.deliver(++sent, 100_000)).toBe(false);
  peer.resume();
  await engine.until(() => follower.resumes > 0);
  for (let first = 1; first <= sent; first++) {
    expect(decodeDeliver((await peer.expect(Opcode.Deliver)).payload).first).toBe(first);
  }
  expect(follower.deliver(++sent)).toBe(true);
});

test('acks of a follower whose client does not read its deliveries are taken all the same', async () => {
  const engine = new FakeEngine();
  await using broker = await startTestBroker({ engine });
  await using peer = await RawPeer.open(broker);
  const { follower: id } = decodeFollowing((await peer.request(followFrame(1), Opcode.Following)).payload);
  const follower = engine.followers[0]!;
  peer.pause();
  let sent = 0;
  while (follower.deliver(++sent, 100_000));
  const entries = [{ stream: 'orders', ranges: [{ first: 1, last: 1, attempt: 1 }] }];
  for (let requestId = 2; requestId < 102; requestId++) {
    peer.send(encodeAck(requestId, { follower: id, entries }));
  }
  await engine.until(() => follower.calls.length === 100);
});

/** Has lists of so many streams. @returns how many times it was asked for one */
async function engineOfLists(streams: number): Promise<{ engine: FakeEngine; asked: () => number }> {
  const engine = new FakeEngine();
  const summary = await engine.streamInfo('x'.repeat(200));
  let asked = 0;
  engine.listStreams = async () => {
    asked++;
    return { streams: Array.from({ length: streams }, () => summary), more: false };
  };
  return { engine, asked: () => asked };
}

test('requests of a client that does not read the answers wait, and are answered when it does', async () => {
  const { engine, asked } = await engineOfLists(1_000);
  await using broker = await startTestBroker({ engine });
  await using peer = await RawPeer.open(broker);
  await using other = await RawPeer.open(broker);
  peer.pause();
  const count = 160;
  for (let id = 1; id <= count; id++) peer.send(encodeListStreams(id, {}));
  // By the time that others are served nothing more is asked for it.
  for (let before = -1; before !== asked(); ) {
    before = asked();
    for (let id = 1; id <= 50; id++) await other.request(encodeHealth(id), Opcode.HealthReply);
  }
  expect(asked()).toBeGreaterThan(0);
  expect(asked()).toBeLessThan(count / 2);
  peer.resume();
  for (let id = 1; id <= count; id++) expect((await peer.expect(Opcode.StreamsListed)).requestId).toBe(id);
});

test('requests that take long are not carried out all before others get their turn', async () => {
  const engine = new FakeEngine();
  const asked: string[] = [];
  const summary = await engine.streamInfo('orders');
  engine.streamInfo = async (name) => {
    asked.push(name);
    const endMs = performance.now() + 2;
    while (performance.now() < endMs);
    return summary;
  };
  await using broker = await startTestBroker({ engine });
  await using peer = await RawPeer.open(broker);
  await using other = await RawPeer.open(broker);
  const names = Array.from({ length: 200 }, (_, i) => `orders${i}`);
  peer.send(Buffer.concat(names.map((stream, i) => encodeStreamInfo(i + 1, { stream }))));
  for (let id = 1; id <= 3; id++) await other.request(encodeHealth(id), Opcode.HealthReply);
  expect(asked.length).toBeLessThan(names.length);
  for (const [i] of names.entries())
    expect((await peer.expect(Opcode.StreamInfoReply)).requestId).toBe(i + 1);
  expect(asked).toEqual(names);
});

test('a wrong frame behind requests that take long ends the connection when its turn comes', async () => {
  const engine = new FakeEngine();
  const summary = await engine.streamInfo('orders');
  let asked = 0;
  engine.streamInfo = async () => {
    asked++;
    const endMs = performance.now() + 2;
    while (performance.now() < endMs);
    return summary;
  };
  await using broker = await startTestBroker({ engine });
  await using peer = await RawPeer.open(broker);
  const frames = Array.from({ length: 50 }, (_, i) => encodeStreamInfo(i + 1, { stream: 'orders' }));
  const wrong = encodeFrame(Opcode.Welcome, 51, Buffer.alloc(0));
  peer.send(Buffer.concat([...frames, wrong, ...frames]));
  let answer = await peer.next();
  while (answer.opcode === Opcode.StreamInfoReply) answer = await peer.next();
  expect(decodeError(answer.payload)).toMatchObject({ code: 'ProtocolViolation' });
  await peer.closed;
  expect(asked).toBe(50);
});

test('a client that leaves too much unread is cut off, with a line in the log', async () => {
  const { engine } = await engineOfLists(20_000);
  const lines: string[] = [];
  const sink = new Writable({
    write(line, _encoding, done) {
      lines.push(String(line));
      done();
    },
  });
  const limits = { maxMessageBytes: '64 KiB', maxOutgoingBytes: '3 MiB' };
  await using broker = await startTestBroker({ engine, limits, logger: pino({ level: 'info' }, sink) });
  await using peer = await RawPeer.open(broker);
  peer.pause();
  peer.send(encodeListStreams(1, {}));
  peer.socket.on('end', () => {});
  await expect.poll(() => lines.join('')).toContain('limits.maxOutgoingBytes');
  peer.resume();
  await peer.closed;
});

test('a client that hangs with answers unread is given up on after three heartbeats', async () => {
  const engine = new FakeEngine();
  const summary = await engine.streamInfo('x'.repeat(200));
  engine.listStreams = async () => ({ streams: Array.from({ length: 27_000 }, () => summary), more: false });
  const log = new LogLines();
  await using broker = await startTestBroker({ engine, heartbeatMs: 100, logger: log.logger });
  await using peer = await RawPeer.open(broker);
  peer.socket.on('error', () => {});
  peer.pause();
  for (let id = 1; id <= 4; id++) peer.send(encodeListStreams(id, {}));
  const { reason } = await log.line('connection closed');
  expect(reason).toMatch(/^the client does not read: \d+ bytes wait/);
});

test('what a client sent before it closed its side is carried out, all of it', async () => {
  const engine = new FakeEngine();
  const summary = await engine.streamInfo('orders');
  let asked = 0;
  const { promise: all, resolve } = Promise.withResolvers<void>();
  engine.streamInfo = async () => {
    if (++asked === 100) resolve();
    // Long enough for the turn of this connection to be over now and then.
    const until = performance.now() + 1;
    while (performance.now() < until);
    return summary;
  };
  await using broker = await startTestBroker({ engine });
  await using peer = await RawPeer.open(broker);
  const frames = Array.from({ length: 100 }, (_, id) => encodeStreamInfo(id + 1, { stream: 'orders' }));
  peer.socket.end(Buffer.concat(frames));
  await all;
  expect(asked).toBe(100);
});
