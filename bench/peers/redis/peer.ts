import type { Peer } from '../peer.ts';
import { FSYNC, type Fsync, findRedis, startRedis } from './server.ts';

const ONE_BY_ONE = 'an XADD for each of the ten, in one pipeline';

function redis(fsync: Fsync): Peer {
  return {
    id: `redis-${fsync}`,
    name: `Redis Streams, appendfsync ${fsync}`,
    ...FSYNC[fsync],
    client: new URL('./client.ts', import.meta.url),
    lacks: { jobs: 'no delays and no retries of its own; BullMQ stands for it' },
    notes: {
      'regex-publish': ONE_BY_ONE,
      'regex-follow': 'one XREADGROUP that names all streams; it has no pattern',
      'request-one': 'a stream for requests, one for replies',
      'request-many': 'a stream for requests, one for replies',
    },
    find: findRedis,
    start: (folder) => startRedis(folder, fsync),
  };
}

export const REDIS: readonly Peer[] = [redis('always'), redis('everysec')];
