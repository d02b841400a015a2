import { Bind, Connection, Follower, type Message, Publisher } from '@simplemq/client';
import { runRole } from '../role.ts';

const STREAM = 'held';
const GROUP = 'holder';
const AT_ONCE = 10_000;
/** Longer than any run, so that no lease ends. */
const LEASE_MS = 3_600_000;

/** Takes so many messages and acks none of them. */
await runRole<{ readonly port: number; readonly pending: number }>(async ({ port, pending }) => {
  const connection = new Connection({ host: '127.0.0.1', port });
  const cursor = connection.cursor();
  await cursor.createStream(STREAM);
  const publisher = new Publisher<number>(connection, new Bind(STREAM));
  for (let first = 0; first < pending; first += AT_ONCE) {
    await publisher.sendMessages(Array.from({ length: AT_ONCE }, (_, index) => first + index));
  }
  const follower = new Follower<number>(connection, new Bind(STREAM), { group: GROUP, leaseMs: LEASE_MS });
  const messages = follower.getMessages();
  const held: Message<number>[] = [];
  while (held.length < pending) held.push((await messages.next()).value!);
  return {
    async stop() {
      const info = await cursor.groupInfo(STREAM, GROUP);
      await messages.return!();
      await connection.close();
      return { pending: info.pending };
    },
  };
});
