import {
  decodeClosing,
  encodeAck,
  encodeReject,
  encodeStreamInfo,
  FEATURES,
  Opcode,
} from '@simplemq/protocol';
import { startServer } from '@simplemq/server';
import { RawPeer, startTestBroker } from '@simplemq/testkit';
import { expect, test } from 'vitest';
import { FakeEngine } from './fake-engine.ts';
import { followFrame, publishFrame } from './frames.ts';

test('closing tells the clients, confirms what was taken, takes nothing new, and then closes', async () => {
  const engine = new FakeEngine();
  engine.holds = true;
  await using broker = await startTestBroker({ engine });
  await using peer = await RawPeer.open(broker);
  peer.send(...publishFrame({ requestId: 1 }));
  await engine.until(() => engine.held.length === 1);

  const closing = broker.close();
  expect(decodeClosing((await peer.expect(Opcode.Closing)).payload).reason).toContain('shutting down');
  peer.send(...publishFrame({ requestId: 2 }));
  await expect(RawPeer.connect(broker)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  expect(engine.closeCalls).toBe(0);
  engine.held[0]!.confirm();
  expect((await peer.expect(Opcode.Confirm)).requestId).toBe(1);
  await peer.closed;
  await closing;
  expect(engine.published).toHaveLength(1);
  expect(engine.closeCalls).toBe(1);
  expect(await broker.ended).toEqual({});
});

test('messages that were delivered may be acked or rejected while the server closes', async () => {
  const engine = new FakeEngine();
  engine.features = FEATURES;
  engine.holds = true;
  await using broker = await startTestBroker({ engine });
  await using peer = await RawPeer.open(broker);
  await peer.request(followFrame(1), Opcode.Following);
  peer.send(...publishFrame({ requestId: 2 }));
  await engine.until(() => engine.held.length === 1);
  const closing = broker.close();
  await peer.expect(Opcode.Closing);
  expect(engine.followers[0]!.deliver(1)).toBe(false);
  await peer.request(encodeAck(3, { follower: 1, entries: [] }), Opcode.Acked);
  await peer.request(encodeReject(4, { follower: 1, entries: [] }), Opcode.Rejected);
  engine.held[0]!.confirm();
  await peer.expect(Opcode.Confirm);
  await closing;
});

test('close is idempotent, and disposing closes', async () => {
  const engine = new FakeEngine();
  {
    await using server = await startServer({ port: 0, engine, logs: { level: 'silent' } });
    await Promise.all([server.close(), server.close()]);
  }
  expect(engine.closeCalls).toBe(1);
});

test('a shutdown does not wait for ever', async () => {
  const engine = new FakeEngine();
  engine.holds = true;
  engine.close = () => new Promise(() => {});
  await using broker = await startTestBroker({ engine, shutdownTimeoutMs: 50 });
  await using peer = await RawPeer.open(broker);
  peer.send(...publishFrame({ requestId: 1 }));
  await engine.until(() => engine.held.length === 1);
  await broker.close();
  await peer.closed;
});

test('a connection in its handshake does not hold up a shutdown', async () => {
  await using broker = await startTestBroker({ engine: new FakeEngine() });
  await using peer = await RawPeer.connect(broker);
  await using open = await RawPeer.open(broker);
  await broker.close();
  await Promise.all([peer.closed, open.closed]);
});

test('an engine that fails closes the server, which says why', async () => {
  const engine = new FakeEngine();
  engine.holds = true;
  await using broker = await startTestBroker({ engine });
  await using peer = await RawPeer.open(broker);
  peer.send(...publishFrame({ requestId: 1 }));
  await engine.until(() => engine.held.length === 1);
  engine.fail(new Error('disk I/O error'));
  expect(decodeClosing((await peer.expect(Opcode.Closing)).payload).reason).toContain('disk I/O error');
  peer.send(encodeStreamInfo(2, { stream: 'orders' }));
  expect(await peer.expectError()).toMatchObject({ code: 'StorageFailed' });
  engine.held[0]!.fail(new Error('x'));
  await peer.closed;
  const { error } = await broker.ended;
  expect(error?.message).toContain('disk I/O error');
});
