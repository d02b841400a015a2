import { Bind, Connection, Follower } from '@simplemq/client';

const connection = new Connection(process.env.SIMPLEMQ_URL ?? 'simplemq://localhost:9090');
await using cursor = connection.cursor();
await cursor.createStream('hello_queue');

const follower = new Follower<string>(connection, new Bind('hello_queue'));
for await (const message of follower.getMessages()) {
  console.log(message.body);
  await follower.ackMessage(message);
}
