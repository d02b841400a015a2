import { setTimeout as sleep } from 'node:timers/promises';
import { startTestBroker } from '@simplemq/testkit';
import { expect, it } from 'vitest';
import { Bind, Connection, Follower, Publisher } from '../../src/index.ts';

const MESSAGE_MS = 200;

it('a loop with autoAck goes on behind messages that took long, after many that were quick', async () => {
  await using broker = await startTestBroker();
  await using connection = new Connection({ host: broker.host, port: broker.port });
  await connection.cursor().createStream('q');
  const publisher = new Publisher<number>(connection, new Bind('q'));
  const publish = (count: number, ms: number) =>
    publisher.sendMessages(Array.from({ length: count }, () => ms));
  await publish(20_000, 0);
  let seen = 0;
  const messages = new Follower<number>(connection, new Bind('q')).getMessages({ autoAck: true });
  const next = async (count: number): Promise<void> => {
    for (; count > 0; count--) {
      const { body } = (await messages.next()).value!;
      if (body > 0) await sleep(body);
      seen++;
    }
  };
  await next(20_000);
  await publish(5, MESSAGE_MS);
  await next(5);
  await publish(5, 0);
  await next(5);
  expect(seen).toBe(20_010);
});
