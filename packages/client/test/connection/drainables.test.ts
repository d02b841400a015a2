import { describe, expect, it } from 'vitest';
import { coreOf } from '../../src/connection/core.ts';
import { Bind, Connection, Follower, Publisher, Requester } from '../../src/index.ts';
import { FakeBroker } from '../fake-broker.ts';
import { slowOrderSchema } from '../schema/schemas.ts';

const bind = new Bind('q');

async function setUp() {
  const broker = await FakeBroker.start();
  broker.streams.set('q', []);
  const connection = new Connection({ port: broker.port });
  return {
    broker,
    connection,
    drainables: coreOf(connection).drainables,
    async [Symbol.asyncDispose]() {
      await connection.close();
      await broker.close();
    },
  };
}

describe('a connection', () => {
  it('keeps publishers only while something of theirs is under way, so that many that are never closed fill no memory', async () => {
    await using test = await setUp();
    const { broker, connection, drainables } = test;
    const publishers = Array.from({ length: 10 }, () => new Publisher<Buffer>(connection, bind));
    expect(drainables.size).toBe(0);
    broker.holdConfirms = true;
    const sent = publishers.map((publisher) => publisher.sendMessage(Buffer.alloc(100)));
    expect(drainables.size).toBe(10);
    await broker.until(() => broker.publishes.length === 10);
    expect(drainables.size).toBe(10);
    broker.releaseConfirms();
    await Promise.all(sent);
    expect(drainables.size).toBe(0);
    await expect(publishers[0]!.sendMessage(Buffer.alloc(9_000_000))).rejects.toThrow();
    await expect(new Publisher(connection, new Bind('missing')).sendMessage(1)).rejects.toThrow();
    expect(drainables.size).toBe(0);
  });

  it('lends its publishers the memory of their batches, and keeps little of it when all are idle', async () => {
    await using test = await setUp();
    const { memory } = coreOf(test.connection);
    const body = Buffer.alloc(1024 * 1024);
    const publishers = Array.from({ length: 8 }, () => new Publisher<Buffer>(test.connection, bind));
    await Promise.all(publishers.map((publisher) => publisher.sendMessage(body)));
    expect(memory.freeBytes).toBeGreaterThan(1024 * 1024);
    expect(memory.freeBytes).toBeLessThanOrEqual(2 * 1024 * 1024);
  });

  it('keeps followers only from their first message on until they end, and requesters from their first request on', async () => {
    await using test = await setUp();
    const { connection, drainables } = test;
    const messages = new Follower(connection, bind).getMessages();
    const unused = new Requester(connection, bind);
    expect(drainables.size).toBe(0);
    const next = messages.next();
    expect(drainables.size).toBe(1);
    await messages.return!();
    await next;
    expect(drainables.size).toBe(0);
    await unused.close();
    expect(drainables.size).toBe(0);
  });

  it('is closed when what its publishers had sent is confirmed, and what was being validated too', async () => {
    await using test = await setUp();
    const plain = new Publisher<unknown>(test.connection, bind);
    const checked = new Publisher(test.connection, bind, { schema: slowOrderSchema });
    const sent = [plain.sendMessage(1), checked.sendMessage({ id: 5, placed: 'x' })];
    const idle = new Publisher<unknown>(test.connection, bind);
    const closed = test.connection.close();
    for (const publisher of [plain, checked, idle]) {
      await expect(publisher.sendMessage({ id: 6, placed: 'y' })).rejects.toMatchObject({
        code: 'ConnectionLost',
      });
    }
    await closed;
    await Promise.all(sent);
    expect(test.broker.streams.get('q')).toHaveLength(2);
    expect(test.drainables.size).toBe(0);
  });
});
