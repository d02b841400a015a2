import { Bind, Connection, Publisher } from '@simplemq/client';

const connection = new Connection(process.env.SIMPLEMQ_URL ?? 'simplemq://localhost:9090');
await using cursor = connection.cursor();
await cursor.createStream('hello_queue');

const publisher = new Publisher<string>(connection, new Bind('hello_queue'));
const { streams, durability } = await publisher.sendMessage('hello world');
for (const { stream, sequence } of streams) {
  console.log(`${stream} has it as message ${sequence} (${durability})`);
}
