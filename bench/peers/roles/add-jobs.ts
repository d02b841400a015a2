import { runRole, secondsSince } from '../../role.ts';
import type { JobsModule } from '../client.ts';
import type { JobsOrders } from './jobs-orders.ts';

const CHUNK = 500;
const CHUNKS_IN_FLIGHT = 10;

/** Adds jobs in bulk, several bulks under way. */
await runRole<JobsOrders, { seconds: number; messages: number }>({
  async prepare({ server, stream, jobs: module, settings, messages }) {
    const { openJobs } = (await import(module)) as JobsModule;
    const jobs = await openJobs(server, stream, settings);
    return {
      async work() {
        const start = performance.now();
        let next = 0;
        const addChunks = async (): Promise<void> => {
          while (next < messages) {
            const first = next;
            next += CHUNK;
            await jobs.add(first, Math.min(CHUNK, messages - first));
          }
        };
        await Promise.all(Array.from({ length: CHUNKS_IN_FLIGHT }, addChunks));
        return { seconds: secondsSince(start), messages };
      },
      end: () => jobs.close(),
    };
  },
});
