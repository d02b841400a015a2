import { Redis } from 'ioredis';
import { bodyOf, keepInFlight, runRole, secondsSince } from '../role.ts';

/** XADD with a window of unanswered commands over one connection; ioredis pipelines those of a turn by itself. */
await runRole({
  async prepare({ server, stream, messages, bodyBytes, window }) {
    const redis = new Redis(Number(server), '127.0.0.1', { enableAutoPipelining: true });
    await redis.ping();
    const body = bodyOf(bodyBytes);
    return {
      async work() {
        const start = performance.now();
        await keepInFlight(messages, window, () => redis.xadd(stream, '*', 'body', body));
        return { seconds: secondsSince(start), messages };
      },
      end: async () => {
        await redis.quit();
      },
    };
  },
});
