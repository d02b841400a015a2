import { Bind, Connection, Follower, Publisher } from '@simplemq/client';
import { spawnBroker } from '@simplemq/testkit';
import { expect, it } from 'vitest';

const STREAM = 'killed';
const SENT = 10;
/** In the middle of the batch, so that no end of it comes free. */
const ACKED: readonly number[] = [4, 5, 6];

it('a broker that was killed knows how many messages were left of a batch that is acked in part', async () => {
  await using broker = await spawnBroker();
  await using connection = new Connection({ host: broker.host, port: broker.port });
  const cursor = connection.cursor();
  await cursor.createStream(STREAM);
  await using publisher = new Publisher<number>(connection, new Bind(STREAM));
  await publisher.sendMessages(Array.from({ length: SENT }, (_, number) => number));
  for await (const message of new Follower<number>(connection, new Bind(STREAM)).getMessages()) {
    if (ACKED.includes(message.sequence)) await message.ack();
    if (message.sequence === ACKED.at(-1)) break;
  }
  await broker.restart('SIGKILL');
  expect(await cursor.streamInfo(STREAM)).toMatchObject({ messages: SENT - ACKED.length });
});

it('a connection with nothing pending closes at once when its broker was killed', async () => {
  await using broker = await spawnBroker();
  // Longer than the test may take.
  const connection = new Connection({ host: broker.host, port: broker.port, requestTimeoutMs: 60_000 });
  await connection.cursor().createStream(STREAM);
  const publisher = new Publisher<number>(connection, new Bind(STREAM));
  await publisher.sendMessage(1);
  const disconnected = new Promise((resolve) => connection.once('disconnected', resolve));
  await broker.kill();
  await disconnected;
  await publisher.close();
  await connection.close();
});
