import { setTimeout as sleep } from 'node:timers/promises';
import { Bind, Connection, Follower, Publisher } from '@simplemq/client';
import { runRole } from '../role.ts';

const STREAM = 'slow';
const CONNECTIONS = 20;
const BODY = 'x'.repeat(1_024);
/** What is published a second; of all that the oldest goes, which nobody had time for. */
const PER_SECOND = 200;
const KEPT = 20_000;
const TICK_MS = 50;
/** What a follower takes over one message. */
const SLOW_MS = 500;

/** Followers with a group each, all of them far behind a stream that goes on. */
await runRole<{ readonly port: number; readonly count: number }>(async ({ port, count }) => {
  const connections = Array.from({ length: CONNECTIONS }, () => new Connection({ host: '127.0.0.1', port }));
  const [first] = connections;
  await first!.cursor().createStream(STREAM, { maxMessages: KEPT, overflow: 'drop-oldest' });
  const stopping = new AbortController();
  let acked = 0;
  let published = 0;
  let failed = 0;
  const loops = Array.from({ length: count }, async (_, index) => {
    const connection = connections[index % CONNECTIONS]!;
    const options = { group: `group-${index}`, prefetch: 100 };
    const follower = new Follower<string>(connection, new Bind(STREAM), options);
    for await (const message of follower.getMessages({ signal: stopping.signal })) {
      await sleep(SLOW_MS, undefined, { signal: stopping.signal }).catch(() => {});
      // What was dropped meanwhile is too late.
      await message.ack().then(
        () => acked++,
        () => failed++,
      );
    }
  });
  const publisher = new Publisher<string>(first!, new Bind(STREAM));
  const timer = setInterval(() => {
    const bodies = Array.from({ length: (PER_SECOND * TICK_MS) / 1_000 }, () => BODY);
    void publisher.sendMessages(bodies).then(() => {
      published += bodies.length;
    });
  }, TICK_MS);
  return {
    async stop() {
      clearInterval(timer);
      const { groups } = await first!.cursor().streamInfo(STREAM);
      stopping.abort();
      await Promise.all(loops);
      for (const connection of connections) await connection.close();
      return { followers: groups.length, published, acked, tooLate: failed };
    },
  };
});
