import { runRole, secondsSince } from '../../role.ts';
import type { JobsModule } from '../client.ts';
import type { JobsOrders } from './jobs-orders.ts';

const FAILING_EVERY = 10;

/** Each tenth job fails the first time. Time runs from the word to the end of the last job. */
await runRole<JobsOrders, { seconds: number; messages: number }>({
  async prepare({ server, stream, jobs: module, settings, messages }) {
    const { openJobs } = (await import(module)) as JobsModule;
    const jobs = await openJobs(server, stream, settings);
    return {
      async work() {
        const start = performance.now();
        const { promise: allDone, resolve } = Promise.withResolvers<void>();
        let done = 0;
        const consumer = await jobs.work((job, attempt) => {
          if (attempt === 1 && job % FAILING_EVERY === 0) throw new Error('fails the first time');
          if (++done === messages) resolve();
        });
        await allDone;
        await consumer.settled();
        return { seconds: secondsSince(start), messages };
      },
      end: () => jobs.close(),
    };
  },
});
