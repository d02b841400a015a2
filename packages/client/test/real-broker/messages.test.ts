import { once } from 'node:events';
import { startTestBroker } from '@simplemq/testkit';
import { describe, expect, it } from 'vitest';
import { Bind, Connection, Follower, Publisher } from '../../src/index.ts';

describe('with a real broker', () => {
  it('publishes, follows and acks many messages in order', async () => {
    await using broker = await startTestBroker();
    await using connection = new Connection({ host: broker.host, port: broker.port });
    await using cursor = connection.cursor();
    await cursor.createStream('q');
    const publisher = new Publisher<number>(connection, new Bind('q'));
    const receipts = await Promise.all(
      Array.from({ length: 20_000 }, (_, i) => publisher.sendMessage(i + 1)),
    );
    expect(receipts.at(-1)).toEqual({ streams: [{ stream: 'q', sequence: 20_000 }], durability: 'fsync' });
    let expected = 1;
    for await (const message of new Follower<number>(connection, new Bind('q')).getMessages()) {
      expect(message.body).toBe(expected);
      const ack = message.ack();
      if (expected++ === 20_000) {
        await ack;
        break;
      }
    }
    expect(await cursor.streamInfo('q')).toMatchObject({ messages: 0, nextSequence: 20_001 });
  });

  it('gives each of many followers on one connection a large message, without cutting it', async () => {
    await using broker = await startTestBroker();
    await using connection = new Connection({ host: broker.host, port: broker.port });
    let cuts = 0;
    connection.on('disconnected', () => cuts++);
    const names = Array.from({ length: 20 }, (_, i) => `large.${i}`);
    for (const name of names) await connection.cursor().createStream(name);
    const body = new Uint8Array(8_000_000);
    const got = names.map(async (name) => {
      for await (const message of new Follower<Uint8Array>(connection, new Bind(name)).getMessages()) {
        await message.ack();
        return message.attempt;
      }
      return 0;
    });
    await new Publisher(connection, new Bind(/^large/)).sendMessage(body);
    expect(new Set(await Promise.all(got))).toEqual(new Set([1]));
    expect(cuts).toBe(0);
  });

  it('lets a quick follower have what a slow one cannot begin', async () => {
    await using broker = await startTestBroker();
    await using connection = new Connection({ host: broker.host, port: broker.port });
    await connection.cursor().createStream('q');
    const slow = new Follower(connection, new Bind('q')).getMessages();
    const quick = new Follower(connection, new Bind('q')).getMessages();
    const first = slow.next();
    await new Publisher(connection, new Bind('q')).sendMessages(Array.from({ length: 1_000 }, (_, i) => i));
    await first;
    for (let handled = 0; handled < 999; handled++) void (await quick.next()).value!.ack();
    await quick.return!();
    expect(await connection.cursor().pending('q')).toHaveLength(1);
  });

  it('resumes publishers and followers over a restart, and loses nothing', async () => {
    await using before = await startTestBroker();
    const { port, path } = before;
    await using connection = new Connection({ port, reconnect: { minDelayMs: 5, maxDelayMs: 50 } });
    await connection.cursor().createStream('q');
    const publisher = new Publisher<number>(connection, new Bind('q'));
    const seen = new Set<number>();
    const abort = new AbortController();
    const running = new Follower<number>(connection, new Bind('q')).run(
      (message) => {
        seen.add(message.body);
        if (seen.size === 3_000) abort.abort();
      },
      { signal: abort.signal },
    );
    const sent: Promise<{ streams: readonly { sequence: number }[] }>[] = [];
    for (let i = 0; i < 1_000; i++) sent.push(publisher.sendMessage(i));
    await sent[0];
    const disconnected = once(connection, 'disconnected');
    const closed = before.close();
    for (let i = 1_000; i < 2_000; i++) sent.push(publisher.sendMessage(i));
    await Promise.all([disconnected, closed]);
    for (let i = 2_000; i < 3_000; i++) sent.push(publisher.sendMessage(i));
    await using after = await startTestBroker({ port, storage: { path } });
    const sequences = (await Promise.all(sent)).map(({ streams }) => streams[0]!.sequence);
    expect(sequences).toEqual(Array.from({ length: 3_000 }, (_, i) => i + 1));
    await running;
    expect(await connection.cursor().streamInfo('q')).toMatchObject({ messages: 0, nextSequence: 3_001 });
    await connection.close();
    await after.close();
  });
});
