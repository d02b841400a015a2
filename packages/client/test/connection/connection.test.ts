import { once } from 'node:events';
import { createServer } from 'node:net';
import { TooManyLogins, Unauthenticated } from '@simplemq/protocol';
import { describe, expect, it } from 'vitest';
import { Bind, Connection, Follower, Publisher } from '../../src/index.ts';
import { FakeBroker } from '../fake-broker.ts';

async function unusedPort(): Promise<number> {
  const server = createServer().listen(0, 'localhost');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

const QUICK = { minDelayMs: 1, maxDelayMs: 5 };

describe('Connection', () => {
  it('connects when it is first used, not before', async () => {
    await using broker = await FakeBroker.start();
    await using connection = new Connection({ port: broker.port, name: 'tester' });
    expect(broker.connections).toBe(0);
    const session = await connection.cursor().session();
    expect(session).toMatchObject({ server: 'fake/1', version: 1, features: [] });
    expect(broker.hellos[0]).toMatchObject({ client: 'tester', version: 1 });
    expect(connection.connected).toBe(true);
  });

  it('fails at once without reconnect, naming host, port and cause', async () => {
    const port = await unusedPort();
    await using connection = new Connection({ port, reconnect: false });
    await expect(connection.cursor().session()).rejects.toMatchObject({
      code: 'ConnectionLost',
      message: expect.stringMatching(new RegExp(`localhost.*${port}.*ECONNREFUSED.*running`)),
    });
  });

  it('does not connect again without reconnect while followers and handlers let go; the next use does', async () => {
    await using broker = await FakeBroker.start();
    for (const name of ['q', 'r']) broker.streams.set(name, []);
    await using connection = new Connection({ port: broker.port, reconnect: false });
    await new Publisher(connection, new Bind('r')).sendMessage('x');
    const waiting = new Follower(connection, new Bind('q')).getMessages().next();
    const handler = Promise.withResolvers<void>();
    const working = new Follower(connection, new Bind('r')).run(() => handler.promise);
    await broker.until(() => broker.pendingOf('r') === 1 && broker.followers.size === 2);
    const gaveUp = once(connection, 'error');
    broker.drop();
    await expect(waiting).rejects.toMatchObject({ code: 'ConnectionLost' });
    await gaveUp;
    handler.resolve();
    await expect(working).rejects.toMatchObject({ code: 'ConnectionLost' });
    // A connection that was dialled by now would come before this one.
    await using other = new Connection({ port: broker.port });
    await other.cursor().session();
    expect(broker.connections).toBe(2);
    await connection.cursor().session();
    expect(broker.connections).toBe(3);
  });

  it('gives up a first connect after requestTimeoutMs, and tries again at the next use', async () => {
    const port = await unusedPort();
    await using connection = new Connection({ port, requestTimeoutMs: 50, reconnect: QUICK });
    const publisher = new Publisher(connection, new Bind('q'));
    await expect(publisher.sendMessage('x')).rejects.toMatchObject({ code: 'ConnectionLost' });
    await using broker = await FakeBroker.start({ port });
    broker.streams.set('q', []);
    await expect(publisher.sendMessage('x')).resolves.toMatchObject({ durability: 'memory' });
  });

  it('waits for its first session as long as the longest requestTimeoutMs says', async () => {
    await using broker = await FakeBroker.start();
    await using connection = new Connection({ port: broker.port, requestTimeoutMs: 2 ** 31 - 1 });
    expect(await connection.cursor().session()).toMatchObject({ server: 'fake/1' });
  });

  it('does not dial at once when it is told to wait for longer than a timer can', async () => {
    await using broker = await FakeBroker.start();
    await using connection = new Connection({ port: broker.port, reconnect: QUICK });
    await connection.cursor().session();
    broker.refuse = new TooManyLogins('too many were wrong', { details: { retryAfterMs: 2 ** 31 } });
    const delays: number[] = [];
    const told = new Promise<void>((resolve) => {
      connection.on('reconnecting', (_attempt, delayMs) => {
        delays.push(delayMs);
        if (delays.length === 2) resolve();
      });
    });
    broker.drop();
    await told;
    expect(delays[1]).toBe(2 ** 31 - 1);
  });

  it('does not try again with credentials that were refused', async () => {
    await using broker = await FakeBroker.start();
    broker.refuse = new Unauthenticated('the user or password is wrong');
    await using connection = new Connection({
      port: broker.port,
      user: 'u',
      password: 'p',
      reconnect: QUICK,
    });
    await expect(connection.cursor().session()).rejects.toMatchObject({ code: 'Unauthenticated' });
    expect(broker.connections).toBe(1);
    expect(broker.hellos[0]).toMatchObject({ user: 'u', password: 'p' });
  });

  it('reconnects for ever after a first success, and tells of it', async () => {
    await using broker = await FakeBroker.start();
    await using connection = new Connection({ port: broker.port, reconnect: QUICK });
    await connection.cursor().session();
    for (let i = 0; i < 3; i++) {
      const events = Promise.all([
        once(connection, 'disconnected'),
        once(connection, 'reconnecting'),
        once(connection, 'connected'),
      ]);
      broker.drop();
      const [[error], [attempt, delayMs]] = await events;
      expect(error).toMatchObject({ code: 'ConnectionLost' });
      expect(attempt).toBe(1);
      expect(delayMs).toBeLessThanOrEqual(5);
    }
  });

  it('sends no new requests to a broker that announced its end, and uses the next session for them', async () => {
    await using broker = await FakeBroker.start();
    await using connection = new Connection({ port: broker.port, reconnect: QUICK });
    const cursor = connection.cursor();
    await cursor.session();
    const closing = once(connection, 'closing');
    broker.announceClosing();
    expect(await closing).toEqual(['shutting down']);
    const created = cursor.createStream('q');
    await new Promise((resolve) => setImmediate(resolve));
    expect(broker.streams.has('q')).toBe(false);
    broker.drop();
    expect(await created).toBe(true);
  });

  it('rejects a control request without an answer as RequestTimeout', async () => {
    await using broker = await FakeBroker.start();
    broker.intercept = ({ opcode }) => opcode === 0x10;
    await using connection = new Connection({ port: broker.port, requestTimeoutMs: 30 });
    await expect(connection.cursor().createStream('q')).rejects.toMatchObject({
      code: 'RequestTimeout',
      message: expect.stringContaining("'q'"),
    });
  });

  it('asks again after a reconnect where that is safe, and says ConnectionLost where it is not', async () => {
    await using broker = await FakeBroker.start();
    await using connection = new Connection({ port: broker.port, reconnect: QUICK });
    const cursor = connection.cursor();
    let dropped = 0;
    broker.intercept = ({ opcode }, peer) => {
      if ((opcode !== 0x10 && opcode !== 0x11) || dropped === 2) return false;
      dropped++;
      peer.socket.destroy();
      return true;
    };
    expect(await cursor.createStream('q')).toBe(true);
    dropped = 1;
    await expect(cursor.deleteStream('q')).rejects.toMatchObject({ code: 'ConnectionLost' });
  });

  it('drops a broker that is silent for three heartbeats, and sends its own while idle', async () => {
    await using broker = await FakeBroker.start({ heartbeatMs: 20 });
    await using connection = new Connection({ port: broker.port, reconnect: QUICK });
    await connection.cursor().session();
    let heartbeats = 0;
    broker.intercept = ({ opcode }) => {
      if (opcode === 0x02) heartbeats++;
      return false;
    };
    const [error] = await once(connection, 'disconnected');
    expect(error).toMatchObject({
      code: 'ConnectionLost',
      message: expect.stringContaining('silent for 60 ms'),
    });
    expect(heartbeats).toBeGreaterThan(0);
  });

  it('drops a broker that breaks the protocol', async () => {
    await using broker = await FakeBroker.start();
    await using connection = new Connection({ port: broker.port, reconnect: QUICK });
    await connection.cursor().session();
    const disconnected = once(connection, 'disconnected');
    for (const peer of broker.peers) peer.send(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'));
    expect((await disconnected)[0]).toMatchObject({ code: 'ProtocolViolation' });
    await once(connection, 'connected');
  });

  it('confirms what was sent before it closes, and refuses everything afterwards', async () => {
    await using broker = await FakeBroker.start();
    broker.streams.set('q', []);
    const connection = new Connection({ port: broker.port });
    const publisher = new Publisher(connection, new Bind('q'));
    const receipts = Promise.all([publisher.sendMessage(1), publisher.sendMessage(2)]);
    const closed = connection.close();
    expect(connection.close()).toBe(closed);
    await closed;
    expect((await receipts)[1]!.streams).toEqual([{ stream: 'q', sequence: 2 }]);
    await expect(publisher.sendMessage(3)).rejects.toMatchObject({ code: 'ConnectionLost' });
    await expect(connection.cursor().createStream('r')).rejects.toMatchObject({ code: 'ConnectionLost' });
    await broker.until(() => broker.peers.size === 0);
  });
});
