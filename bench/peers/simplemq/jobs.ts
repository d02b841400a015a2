import { Bind, Connection, Follower, Publisher } from '@simplemq/client';
import type { JobSettings, Jobs } from '../client.ts';

export async function openJobs(address: string, queue: string, settings: JobSettings): Promise<Jobs> {
  const { delayMs, retryDelayMs, attempts, concurrency } = settings;
  const connection = new Connection(address);
  const cursor = connection.cursor();
  await cursor.createStream(queue);
  const retry = { maxDeliveries: attempts, delayMs: retryDelayMs, factor: 1, jitter: 0 };
  await cursor.createGroup(queue, 'workers', { retry });
  const bind = new Bind(queue);
  const publisher = new Publisher<number>(connection, bind);
  return {
    add: (first, count) =>
      publisher.sendMessages(
        Array.from({ length: count }, (_, index) => first + index),
        { delayMs },
      ),
    async work(handle) {
      const follower = new Follower<number>(connection, bind);
      const stop = new AbortController();
      const done = follower.run(({ body, attempt }) => handle(body, attempt), {
        concurrency,
        signal: stop.signal,
      });
      return {
        settled() {
          stop.abort();
          return done;
        },
      };
    },
    close: () => connection.close(),
  };
}
