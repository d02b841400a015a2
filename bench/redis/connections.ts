import { Redis } from 'ioredis';
import { bodyOf, keepInFlight, runRole, secondsSince } from '../role.ts';

/** Many connections, each with one XADD under way at a time. */
await runRole({
  async prepare({ server, stream, messages, bodyBytes, connections }) {
    const all = Array.from({ length: connections }, () => new Redis(Number(server), '127.0.0.1'));
    const body = bodyOf(bodyBytes);
    await Promise.all(all.map((redis) => redis.xadd(stream, '*', 'body', body)));
    return {
      async work() {
        const each = Math.ceil(messages / connections);
        const start = performance.now();
        await Promise.all(
          all.map((redis) => keepInFlight(each, 1, () => redis.xadd(stream, '*', 'body', body))),
        );
        return { seconds: secondsSince(start), messages: each * connections };
      },
      end: async () => {
        await Promise.all(all.map((redis) => redis.quit()));
      },
    };
  },
});
