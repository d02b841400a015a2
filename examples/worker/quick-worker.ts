import { Bind, Connection, Follower } from '@simplemq/client';

const connection = new Connection(process.env.SIMPLEMQ_URL ?? 'simplemq://localhost:9090');
await using cursor = connection.cursor();
await cursor.createStream('jobs');

let done = 0;
const follower = new Follower<number>(connection, new Bind('jobs'));
for await (const message of follower.getMessages()) {
  await message.ack();
  done += 1;
  console.log(`job ${message.body} done, ${done} in all`);
}
