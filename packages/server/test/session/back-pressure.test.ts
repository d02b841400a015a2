import { Writable } from 'node:stream';
import { decodeDeliver, encodeListStreams, encodeStreamInfo, Opcode } from '@simplemq/protocol';
import { RawPeer, startTestBroker } from '@simplemq/testkit';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { FakeEngine } from '../fake-engine.ts';
import { followFrame, publishFrame } from '../frames.ts';

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

test('a client that asks and never reads the answers is cut off, with a line in the log', async () => {
  const engine = new FakeEngine();
  const summary = await engine.streamInfo('x'.repeat(200));
  engine.listStreams = async () => ({ streams: Array.from({ length: 1_000 }, () => summary), more: false });
  const lines: string[] = [];
  const sink = new Writable({
    write(line, _encoding, done) {
      lines.push(String(line));
      done();
    },
  });
  const limits = { maxOutgoingBytes: '2 MiB' };
  await using broker = await startTestBroker({ engine, limits, logger: pino({ level: 'info' }, sink) });
  await using peer = await RawPeer.open(broker);
  peer.pause();
  for (let id = 1; id <= 200; id++) peer.send(encodeListStreams(id, {}));
  peer.socket.on('end', () => {});
  await expect.poll(() => lines.join('')).toContain('limits.maxOutgoingBytes');
  peer.resume();
  await peer.closed;
});
