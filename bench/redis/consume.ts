import { Redis } from 'ioredis';
import { runRole, secondsSince } from '../role.ts';

const COUNT = 500;

/** XREADGROUP COUNT 500 and one XACK for what it brought, the next read under way meanwhile. */
await runRole({
  async prepare({ server, stream, messages }) {
    const redis = new Redis(Number(server), '127.0.0.1');
    await redis.xgroup('CREATE', stream, 'workers', '0', 'MKSTREAM').catch(() => {});
    const read = () =>
      redis.xreadgroupBuffer(
        'GROUP',
        'workers',
        'one',
        'COUNT',
        COUNT,
        'BLOCK',
        5000,
        'STREAMS',
        stream,
        '>',
      );
    return {
      async work() {
        let count = 0;
        let start = 0;
        let acks: Promise<unknown> = Promise.resolve();
        let next = read();
        while (count < messages) {
          const reply = (await next) as [Buffer, [Buffer, Buffer[]][]][] | null;
          if (start === 0) start = performance.now();
          const entries = reply?.[0]?.[1] ?? [];
          count += entries.length;
          if (count < messages) next = read();
          if (entries.length > 0) acks = redis.xack(stream, 'workers', ...entries.map(([id]) => id));
        }
        await acks;
        return { seconds: secondsSince(start), messages };
      },
      end: async () => {
        await redis.quit();
      },
    };
  },
});
