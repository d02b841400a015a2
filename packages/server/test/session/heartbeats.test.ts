import { HEARTBEAT_FRAME, Opcode } from '@simplemq/protocol';
import { RawPeer, startTestBroker } from '@simplemq/testkit';
import { expect, test } from 'vitest';
import { FakeEngine } from '../fake-engine.ts';
import { publishFrame } from '../frames.ts';

test('a quiet server sends heartbeats', async () => {
  await using broker = await startTestBroker({ engine: new FakeEngine(), heartbeatMs: 500 });
  await using peer = await RawPeer.open(broker);
  for (let i = 0; i < 2; i++) expect((await peer.nextOfAll()).opcode).toBe(Opcode.Heartbeat);
});

test('a client that is silent for three heartbeats is dropped, and what it held goes back', async () => {
  await using broker = await startTestBroker({ engine: new FakeEngine(), heartbeatMs: 30 });
  await using peer = await RawPeer.open(broker);
  await peer.closed;
});

test('a client that sends heartbeats stays', async () => {
  await using broker = await startTestBroker({ engine: new FakeEngine(), heartbeatMs: 200 });
  await using silent = await RawPeer.open(broker);
  await using lively = await RawPeer.open(broker);
  const heart = setInterval(() => lively.send(HEARTBEAT_FRAME), 20);
  await silent.closed;
  expect(lively.isClosed).toBe(false);
  await lively.request(publishFrame({ requestId: 1 }), Opcode.Confirm);
  clearInterval(heart);
});

test('the silence of a client that is not read says nothing', async () => {
  const engine = new FakeEngine();
  engine.holds = true;
  const limits = { maxUnconfirmedBatches: 1 };
  await using broker = await startTestBroker({ engine, heartbeatMs: 100, limits });
  await using held = await RawPeer.open(broker);
  for (let id = 1; id <= 3; id++) held.send(...publishFrame({ requestId: id }));
  await engine.until(() => engine.held.length >= 2);
  await using silent = await RawPeer.open(broker);
  await silent.closed;
  expect(held.isClosed).toBe(false);
  engine.holds = false;
  for (const { confirm } of engine.held.splice(0)) confirm();
  for (let id = 1; id <= 3; id++) await held.expect(Opcode.Confirm);
});

test('a client is not dropped when it was the server that was busy for three heartbeats', async () => {
  await using broker = await startTestBroker({ engine: new FakeEngine(), heartbeatMs: 100 });
  await using peer = await RawPeer.open(broker);
  for (let i = 0; i < 3; i++) {
    peer.send(HEARTBEAT_FRAME);
    await new Promise((resolve) => setImmediate(resolve));
    const endMs = performance.now() + 400;
    while (performance.now() < endMs);
  }
  await peer.request(publishFrame({ requestId: 1 }), Opcode.Confirm);
});
