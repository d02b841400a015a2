import { Queue, Worker } from 'bullmq';
import type { JobSettings, Jobs } from '../client.ts';
import { connectionTo } from './connection.ts';

export async function openJobs(address: string, name: string, settings: JobSettings): Promise<Jobs> {
  const { delayMs, retryDelayMs, attempts, concurrency } = settings;
  const connection = connectionTo(address);
  const queue = new Queue<number>(name, { connection });
  await queue.waitUntilReady();
  const opts = {
    delay: delayMs,
    attempts,
    backoff: { type: 'fixed', delay: retryDelayMs },
    removeOnComplete: true,
  };
  return {
    add: (first, count) =>
      queue.addBulk(
        Array.from({ length: count }, (_, index) => ({ name: 'job', data: first + index, opts })),
      ),
    async work(handle) {
      const worker = new Worker<number>(
        name,
        async ({ data, attemptsMade }) => handle(data, attemptsMade + 1),
        { connection, concurrency },
      );
      await worker.waitUntilReady();
      return { settled: () => worker.close() };
    },
    close: () => queue.close(),
  };
}
