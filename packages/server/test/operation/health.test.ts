import { decodeHealthReply, encodeHealth, type Health, Opcode } from '@simplemq/protocol';
import { RawPeer, startTestBroker } from '@simplemq/testkit';
import { expect, test } from 'vitest';
import { FakeEngine } from '../fake-engine.ts';
import { publishFrame } from '../frames.ts';

async function ask(peer: RawPeer): Promise<Health> {
  return decodeHealthReply((await peer.request(encodeHealth(9), Opcode.HealthReply)).payload);
}

test('a server tells that it is ready, and since when it is up', async () => {
  const before = Date.now();
  await using broker = await startTestBroker({ engine: new FakeEngine() });
  await using peer = await RawPeer.open(broker);
  const health = await ask(peer);
  expect(health).toMatchObject({ state: 'ready', server: expect.stringMatching(/^SimpleMQ \d/) });
  expect(health).not.toHaveProperty('reason');
  expect(health.upSince).toBeGreaterThanOrEqual(before);
  expect(health.upSince).toBeLessThanOrEqual(Date.now());
});

test('a storage that is silent for too long, and one that is full, are not ready, and say why', async () => {
  const engine = new FakeEngine();
  await using broker = await startTestBroker({ engine });
  await using peer = await RawPeer.open(broker);
  engine.storage = { isFull: false, waiting: { doing: 'a commit', silentMs: 29_000 } };
  expect(await ask(peer)).toMatchObject({ state: 'ready' });
  engine.storage = { isFull: true, waiting: { doing: 'a commit', silentMs: 31_000 } };
  expect(await ask(peer)).toMatchObject({
    state: 'storageSlow',
    reason: 'the storage has not answered for 31 s; it is at: a commit',
  });
  engine.storage = { isFull: true };
  expect(await ask(peer)).toMatchObject({
    state: 'storageFull',
    reason: 'the storage is full: publishes are refused',
  });
  engine.storage = { isFull: false };
  expect(await ask(peer)).toMatchObject({ state: 'ready' });
});

test('a server that shuts down says so to those who are connected', async () => {
  const engine = new FakeEngine();
  engine.holds = true;
  await using broker = await startTestBroker({ engine });
  await using peer = await RawPeer.open(broker);
  peer.send(...publishFrame({ requestId: 1 }));
  await engine.until(() => engine.held.length === 1);
  const closing = broker.close();
  await peer.expect(Opcode.Closing);
  expect(await ask(peer)).toMatchObject({ state: 'draining', reason: 'the server is shutting down' });
  engine.held[0]!.confirm();
  await closing;
});
