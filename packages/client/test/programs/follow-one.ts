import { Bind, Connection, Follower } from '../../src/index.ts';

const connection = new Connection({ port: Number(process.argv[2]) });
await connection.cursor().createStream('q');
const follower = new Follower(connection, new Bind('q'));
for await (const message of follower.getMessages()) {
  process.stdout.write(`${message.body}\n`);
  void message.ack();
  break;
}
