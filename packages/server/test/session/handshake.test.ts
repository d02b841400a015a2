import {
  decodeError,
  decodeWelcome,
  encodeEnvelope,
  encodeFrame,
  encodeHello,
  encodeStreamInfo,
  HANDSHAKE_BYTES_MAX,
  HEARTBEAT_FRAME,
  MESSAGE_BYTES_MAX,
  Opcode,
} from '@simplemq/protocol';
import { RawPeer, startTestBroker } from '@simplemq/testkit';
import { expect, test } from 'vitest';
import { FakeEngine } from '../fake-engine.ts';
import { LogLines } from '../log-lines.ts';

const HELLO = { version: 1, client: 'test', producer: Buffer.alloc(16), features: [] };

test('a HELLO is answered with the limits, the heartbeat and the features of the server', async () => {
  const engine = new FakeEngine();
  engine.features = ['priority'];
  await using broker = await startTestBroker({ engine, heartbeatMs: 7_000 });
  await using peer = await RawPeer.connect(broker);
  const welcome = await peer.hello({ features: ['priority'] });
  expect(welcome).toMatchObject({
    version: 1,
    heartbeatMs: 7_000,
    features: ['priority', 'health', 'reload'],
  });
  expect(welcome.server).toMatch(/^SimpleMQ \d/);
  expect(welcome.limits).toMatchObject({ maxMessageBytes: MESSAGE_BYTES_MAX, maxUnconfirmedBatches: 1_024 });
});

test('requests may be sent right behind HELLO, before its answer', async () => {
  await using broker = await startTestBroker({ engine: new FakeEngine() });
  await using peer = await RawPeer.connect(broker);
  peer.send(encodeHello(1, HELLO), encodeStreamInfo(2, { stream: 'orders' }));
  decodeWelcome((await peer.expect(Opcode.Welcome)).payload);
  expect((await peer.expect(Opcode.StreamInfoReply)).requestId).toBe(2);
});

test('a HELLO cut into single bytes is a HELLO', async () => {
  await using broker = await startTestBroker({ engine: new FakeEngine() });
  await using peer = await RawPeer.connect(broker);
  for (const byte of encodeHello(1, HELLO)) {
    await new Promise((resolve) => peer.socket.write(Buffer.of(byte), resolve));
  }
  await peer.expect(Opcode.Welcome);
});

test('another version of the protocol is Unsupported, naming both, and closed', async () => {
  await using broker = await startTestBroker({ engine: new FakeEngine() });
  await using peer = await RawPeer.connect(broker);
  await expect(peer.hello({ version: 2 })).rejects.toMatchObject({
    code: 'Unsupported',
    message: expect.stringMatching(/version 2 .*version 1/),
  });
  await peer.closed;
});

test('features that the server lacks are Unsupported, naming them, and closed', async () => {
  await using broker = await startTestBroker({ engine: new FakeEngine() });
  await using peer = await RawPeer.connect(broker);
  await expect(peer.hello({ features: ['teleport'] })).rejects.toMatchObject({
    code: 'Unsupported',
    details: { features: ['teleport'] },
  });
  await peer.closed;
});

test.each<[string, Buffer]>([
  ['a feature', encodeHello(1, { ...HELLO, features: ['\0'.repeat(60_000)] })],
  ['features', encodeHello(1, { ...HELLO, features: Array.from({ length: 20_000 }, () => 'x') })],
  ['a field', encodeFrame(Opcode.Hello, 1, encodeEnvelope({ ...HELLO, ['x'.repeat(60_000)]: 1 }))],
])('%s without end in a HELLO make no long answer, and no long line in the log', async (_, hello) => {
  const log = new LogLines();
  await using broker = await startTestBroker({ engine: new FakeEngine(), logger: log.logger });
  await using peer = await RawPeer.connect(broker);
  peer.send(hello);
  const answer = await peer.expectErrorFrame();
  expect(answer.payload.length).toBeLessThan(2_000);
  expect(decodeError(answer.payload).code).toBe('Unsupported');
  const { reason } = await log.line('connection refused');
  expect(String(reason).length).toBeLessThan(400);
});

test('credentials are refused while there are no users', async () => {
  await using broker = await startTestBroker({ engine: new FakeEngine() });
  await using peer = await RawPeer.connect(broker);
  await expect(peer.hello({ user: 'ann', password: 'secret' })).rejects.toMatchObject({
    code: 'Unsupported',
  });
  await peer.closed;
});

test('a first frame that is not HELLO is a ProtocolViolation', async () => {
  await using broker = await startTestBroker({ engine: new FakeEngine() });
  await using peer = await RawPeer.connect(broker);
  peer.send(HEARTBEAT_FRAME);
  expect(await peer.expectError()).toMatchObject({ code: 'ProtocolViolation' });
  await peer.closed;
});

test('a HELLO longer than a handshake may be is refused before it is there', async () => {
  await using broker = await startTestBroker({ engine: new FakeEngine() });
  await using peer = await RawPeer.connect(broker);
  peer.send(encodeFrame(Opcode.Hello, 1, Buffer.alloc(HANDSHAKE_BYTES_MAX)).subarray(0, 100));
  expect(await peer.expectError()).toMatchObject({ code: 'ProtocolViolation' });
  await peer.closed;
});

test('who does not say HELLO in time is closed with an error', async () => {
  await using broker = await startTestBroker({ engine: new FakeEngine(), handshakeTimeoutMs: 30 });
  await using peer = await RawPeer.connect(broker);
  expect(await peer.expectError()).toMatchObject({
    code: 'ProtocolViolation',
    message: expect.stringContaining('handshakeTimeoutMs'),
  });
  await peer.closed;
});

test.each(['GET / HTTP/1.1\r\n\r\n', 'POST /x HTTP/1.1\r\n\r\n', 'OPTIONS * HTTP/1.1\r\n\r\n'])(
  'HTTP gets one readable line: %j',
  async (request) => {
    await using broker = await startTestBroker({ engine: new FakeEngine() });
    await using peer = await RawPeer.connect({ port: broker.port, raw: true });
    peer.send(Buffer.from(request));
    await peer.closed;
    const [head, body] = peer.received.toString().split('\r\n\r\n');
    expect(head).toMatch(/^HTTP\/1.1 400 Bad Request/);
    expect(body).toMatch(/^This is SimpleMQ's TCP port.*\n$/);
  },
);

test('a request of HTTP is answered for fetch to read', async () => {
  await using broker = await startTestBroker({ engine: new FakeEngine() });
  const response = await fetch(`http://localhost:${broker.port}/`);
  expect(response.status).toBe(400);
  expect(await response.text()).toContain('its own protocol');
});

test('a TLS client is closed without a word', async () => {
  await using broker = await startTestBroker({ engine: new FakeEngine() });
  await using peer = await RawPeer.connect({ port: broker.port, raw: true });
  peer.send(Buffer.from('16030100f8010000f40303', 'hex'));
  await peer.closed;
  expect(peer.received).toHaveLength(0);
});

test('a connection too many gets TooManyConnections; one that ends makes room', async () => {
  await using broker = await startTestBroker({ engine: new FakeEngine(), limits: { maxConnections: 1 } });
  const first = await RawPeer.open(broker);
  await using second = await RawPeer.connect(broker);
  expect(await second.expectError()).toMatchObject({
    code: 'TooManyConnections',
    message: expect.stringContaining('limits.maxConnections'),
  });
  await second.closed;
  await first.close();
  await expect.poll(() => RawPeer.open(broker).then((peer) => peer.close())).toBeUndefined();
});
