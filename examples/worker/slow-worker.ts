import { setTimeout as sleep } from 'node:timers/promises';
import { Bind, Connection, Follower } from '@simplemq/client';

const seconds = Number(process.argv[2] ?? 10);

const connection = new Connection(process.env.SIMPLEMQ_URL ?? 'simplemq://localhost:9090');
await using cursor = connection.cursor();
await cursor.createStream('jobs');

const follower = new Follower<number>(connection, new Bind('jobs'));
for await (const message of follower.getMessages()) {
  console.log(`job ${message.body} begun, it takes ${seconds} s`);
  await sleep(seconds * 1_000);
  await message.ack();
  console.log(`job ${message.body} done`);
}
