import { Bind, Connection, Follower } from '@simplemq/client';

const connection = new Connection(process.env.SIMPLEMQ_URL ?? 'simplemq://localhost:9090');

const follower = new Follower<string>(connection, new Bind(/.+_world/));
for await (const message of follower.getMessages()) {
  console.log(`${message.stream}: ${message.body}`);
  await message.ack();
}
