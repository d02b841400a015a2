import { Redis } from 'ioredis';
import { bodyOf, oneByOne, runRole } from '../role.ts';

/** One XADD after the other, each awaited. */
await runRole({
  async prepare({ server, stream, messages, bodyBytes }) {
    const redis = new Redis(Number(server), '127.0.0.1');
    const body = bodyOf(bodyBytes);
    for (let i = 0; i < 200; i++) await redis.xadd(stream, '*', 'body', body);
    return {
      work: () => oneByOne(messages, () => redis.xadd(stream, '*', 'body', body)),
      end: async () => {
        await redis.quit();
      },
    };
  },
});
