import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Bind, Connection, Follower, Publisher } from '@simplemq/client';
import { startServer } from '@simplemq/server';

await using folder = await mkdtempDisposable(join(tmpdir(), 'simplemq-embedded-'));
await using server = await startServer({ port: 0, storage: { path: folder.path }, logs: { level: 'warn' } });
await using connection = new Connection({ port: server.port });
await connection.cursor().createStream('greetings');

const publisher = new Publisher<string>(connection, new Bind('greetings'));
await publisher.sendMessages(['one', 'two', 'three']);

const follower = new Follower<string>(connection, new Bind('greetings'));
for await (const message of follower.getMessages()) {
  console.log(`${message.sequence}: ${message.body}`);
  await message.ack();
  if (message.body === 'three') break;
}
