import { Connection } from '@simplemq/client';
import { runRole, secondsSince } from '../../role.ts';
import type { GrowthOrders } from './orders.ts';
import { streamName } from './stream-name.ts';
import { warmUp } from './warm-up.ts';

export interface StreamsOrders extends GrowthOrders {
  readonly streams: number;
}

/** So many requests are under way at a time. */
const REQUESTS = 500;

await runRole<StreamsOrders, { seconds: number; messages: number }>({
  async prepare({ server, streams }) {
    const connection = new Connection(server);
    await warmUp(connection);
    const cursor = connection.cursor();
    return {
      async work() {
        const start = performance.now();
        for (let first = 0; first < streams; first += REQUESTS) {
          const count = Math.min(REQUESTS, streams - first);
          await Promise.all(
            Array.from({ length: count }, (_, index) => cursor.createStream(streamName(first + index))),
          );
        }
        return { seconds: secondsSince(start), messages: 0 };
      },
      end: () => connection.close(),
    };
  },
});
