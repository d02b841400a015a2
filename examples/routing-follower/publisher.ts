import { Bind, Connection, Publisher } from '@simplemq/client';

const stream = process.argv[2] ?? 'hello_world';

const connection = new Connection(process.env.SIMPLEMQ_URL ?? 'simplemq://localhost:9090');
await using cursor = connection.cursor();
await cursor.createStream(stream);

const publisher = new Publisher<string>(connection, new Bind(stream));
await publisher.sendMessage(`news from ${stream}`);
console.log(`sent to ${stream}`);
