import type { Peer } from '../peer.ts';
import { FSYNC, type Fsync, findRedis, startRedis } from '../redis/server.ts';

const ONE_QUEUE = 'a worker takes jobs from one queue';

function bullmq(fsync: Fsync): Peer {
  return {
    id: `bullmq-${fsync}`,
    name: `BullMQ, appendfsync ${fsync}`,
    ...FSYNC[fsync],
    client: new URL('./client.ts', import.meta.url),
    share: 0.2,
    jobs: new URL('./jobs.ts', import.meta.url),
    lacks: {
      'regex-follow': ONE_QUEUE,
      'fan-out': 'no groups: a job is done once',
    },
    notes: {
      'regex-publish': 'an addBulk for each of the ten',
      'request-one': 'waitUntilFinished of QueueEvents',
      'request-many': 'waitUntilFinished of QueueEvents',
    },
    find: findRedis,
    start: (folder) => startRedis(folder, fsync),
  };
}

export const BULLMQ: readonly Peer[] = [bullmq('always'), bullmq('everysec')];
