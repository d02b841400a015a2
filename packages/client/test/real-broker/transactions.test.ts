import { FaultyProxy, startTestBroker } from '@simplemq/testkit';
import { describe, expect, it } from 'vitest';
import { Bind, Connection, Follower, Publisher, type SimpleMQError } from '../../src/index.ts';

const MESSAGES = 400;
/** Short delays, so that what was cut off comes back soon. */
const retry = { maxDeliveries: 1_000, delayMs: 1, maxDelayMs: 20 };

describe('transactions with a real broker', () => {
  it('read, compute and publish exactly once, over cut connections', async () => {
    await using broker = await startTestBroker();
    await using proxy = await FaultyProxy.start({ port: broker.port, host: broker.host });
    await using connection = new Connection({
      port: proxy.port,
      host: proxy.host,
      reconnect: { minDelayMs: 1, maxDelayMs: 10 },
    });
    await using direct = new Connection({ port: broker.port, host: broker.host });
    const cursor = direct.cursor();
    for (const stream of ['in', 'out', 'log']) await cursor.createStream(stream);
    await new Publisher(direct, new Bind('in')).sendMessages(Array.from({ length: MESSAGES }, (_, i) => i));
    const abort = new AbortController();
    const failures = new Set<string>();
    let sinceCut = 0;
    const running = new Follower<number>(connection, new Bind('in'), { retry }).run(
      async (message) => {
        if (++sinceCut % 60 === 0) setImmediate(() => proxy.cut());
        try {
          await connection.transaction((tx) => {
            tx.publish(new Bind('out'), message.body);
            tx.publish(new Bind(/^log$/), message.body, { headers: { attempt: String(message.attempt) } });
            tx.ack(message);
          });
        } catch (error) {
          failures.add((error as SimpleMQError).code);
          throw error;
        }
      },
      { signal: abort.signal, concurrency: 8 },
    );
    for (;;) {
      const { groups } = await cursor.streamInfo('in');
      if (groups[0] !== undefined && groups[0].lag + groups[0].pending === 0) break;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    abort.abort();
    await running;
    const expected = Array.from({ length: MESSAGES }, (_, i) => i);
    for (const stream of ['out', 'log']) {
      const bodies = (await cursor.read<number>(stream)).map(({ body }) => body);
      expect(bodies.sort((a, b) => a - b)).toEqual(expected);
    }
    expect([...failures].filter((code) => code !== 'StaleAck')).toEqual([]);
    expect(proxy.connections).toBeGreaterThan(3);
  });

  it('do nothing of a transaction of which one part cannot be', async () => {
    await using broker = await startTestBroker();
    await using connection = new Connection({ port: broker.port, host: broker.host });
    const cursor = connection.cursor();
    for (const stream of ['in', 'out']) await cursor.createStream(stream);
    await new Publisher(connection, new Bind('in')).sendMessage(1);
    const messages = new Follower(connection, new Bind('in')).getMessages();
    const message = (await messages.next()).value!;
    const failed = connection.transaction((tx) => {
      tx.publish(new Bind('out'), 1);
      tx.publish(new Bind('missing'), 1);
      tx.ack(message);
    });
    await expect(failed).rejects.toMatchObject({ code: 'StreamNotFound' });
    expect(await cursor.streamInfo('out')).toMatchObject({ messages: 0 });
    await message.nack({ delayMs: 0 });
    expect((await messages.next()).value).toMatchObject({ sequence: 1, attempt: 2 });
  });

  it('tell duplicates and delayed messages in their receipts', async () => {
    await using broker = await startTestBroker();
    await using connection = new Connection({ port: broker.port, host: broker.host });
    await connection.cursor().createStream('out');
    const { publishes, durability } = await connection.transaction((tx) => {
      tx.publish(new Bind('out'), 1, { messageId: 'a' });
      tx.publish(new Bind('out'), 2, { delayMs: 60_000 });
      tx.publish(new Bind('out'), 3, { messageId: 'a' });
      tx.publish(new Bind('out'), 4);
    });
    expect(durability).toBe('fsync');
    expect(publishes.map(({ streams }) => streams[0])).toEqual([
      { stream: 'out', sequence: 1 },
      { stream: 'out', sequence: 0, delayedId: expect.any(Number) },
      { stream: 'out', sequence: 1, duplicate: true },
      { stream: 'out', sequence: 2 },
    ]);
  });
});
