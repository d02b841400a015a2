import { FaultyProxy, startTestBroker } from '@simplemq/testkit';
import { describe, expect, it } from 'vitest';
import { Bind, Connection, Requester, respond } from '../../src/index.ts';

const square = (message: { readonly body: number }) => message.body ** 2;

describe('requests through a real broker', () => {
  it('have their replies, each its own, for many requesters and responders', async () => {
    await using broker = await startTestBroker();
    await using connection = new Connection({ port: broker.port, host: broker.host });
    const cursor = connection.cursor();
    await cursor.createStream('squares');
    await cursor.createStream('replies', { storage: 'memory' });
    const bind = new Bind('squares');
    await using _one = respond(connection, bind, square, { concurrency: 10 });
    await using _two = respond(connection, bind, square, { concurrency: 10 });
    const requesters = [
      new Requester<number, number>(connection, bind),
      new Requester<number, number>(connection, bind, { replyStream: 'replies' }),
      new Requester<number, number>(connection, bind, { replyStream: 'replies' }),
    ];
    const numbers = Array.from({ length: 200 }, (_, i) => i);
    const asked = requesters.map((requester) => Promise.all(numbers.map((n) => requester.request(n))));
    for (const replies of await Promise.all(asked)) expect(replies).toEqual(numbers.map((n) => n ** 2));
    for (const requester of requesters) await requester.close();
    const left = (await cursor.listStreams()).map(({ name, groups }) => [
      name,
      groups.map((group) => group.name),
    ]);
    expect(left).toEqual([
      ['replies', []],
      ['squares', ['workers']],
    ]);
  });

  it('are not answered any more once nobody waits', async () => {
    await using broker = await startTestBroker();
    await using connection = new Connection({ port: broker.port, host: broker.host });
    await connection.cursor().createStream('squares');
    const bind = new Bind('squares');
    await using requester = new Requester<number, number>(connection, bind);
    await expect(requester.request(2, { timeoutMs: 30 })).rejects.toMatchObject({ code: 'RequestTimeout' });
    await new Promise((resolve) => setTimeout(resolve, 60));
    const handled: number[] = [];
    await using _responder = respond<number, number>(connection, bind, (message) => {
      handled.push(message.body);
      return message.body ** 2;
    });
    expect(await requester.request(3)).toBe(9);
    expect(handled).toEqual([3]);
  });

  it('have their replies over cut connections', async () => {
    await using broker = await startTestBroker();
    await using proxy = await FaultyProxy.start({ port: broker.port, host: broker.host });
    const reconnect = { minDelayMs: 1, maxDelayMs: 10 };
    await using near = new Connection({ port: proxy.port, host: proxy.host, reconnect });
    await using far = new Connection({ port: proxy.port, host: proxy.host, reconnect });
    await near.cursor().createStream('squares');
    const bind = new Bind('squares');
    await using _responder = respond(far, bind, square, { retry: { delayMs: 1, maxDeliveries: 1_000 } });
    await using requester = new Requester<number, number>(near, bind);
    for (let round = 0; round < 5; round++) {
      const numbers = Array.from({ length: 50 }, (_, i) => round * 50 + i);
      const asked = Promise.all(numbers.map((n) => requester.request(n)));
      setTimeout(() => proxy.cut(), 3 * round);
      expect(await asked).toEqual(numbers.map((n) => n ** 2));
    }
  });
});
