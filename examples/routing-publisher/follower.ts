import { Bind, Connection, Follower } from '@simplemq/client';

const stream = process.argv[2] ?? 'hello_world';

const connection = new Connection(process.env.SIMPLEMQ_URL ?? 'simplemq://localhost:9090');
await using cursor = connection.cursor();
await cursor.createStream(stream);

const follower = new Follower<string>(connection, new Bind(stream));
for await (const message of follower.getMessages()) {
  console.log(`${message.stream}: ${message.body}`);
  await message.ack();
}
