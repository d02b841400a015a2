import { Bind, Connection, Publisher } from '@simplemq/client';

const connection = new Connection(process.env.SIMPLEMQ_URL ?? 'simplemq://localhost:9090');
await using cursor = connection.cursor();
await cursor.createStream('jobs');

const publisher = new Publisher<number>(connection, new Bind('jobs'));
const jobs = Array.from({ length: 1_000 }, (_, index) => index + 1);
const receipts = await publisher.sendMessages(jobs);
console.log(`published ${receipts.length} jobs`);
