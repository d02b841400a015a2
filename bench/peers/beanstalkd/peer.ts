import { freePort } from '../../processes.ts';
import type { Durability, Peer } from '../peer.ts';
import { findVersion, launch } from '../programs.ts';

const JOB_BYTES_MAX = 2 ** 22;
const REPLIES = 'a tube for requests, one for replies';

function beanstalkd(id: string, fsyncMs: number, durability: Durability, confirm: string): Peer {
  return {
    id,
    name: `beanstalkd, -f ${fsyncMs}`,
    durability,
    confirm,
    share: fsyncMs === 0 ? 0.1 : 1,
    client: new URL('./client.ts', import.meta.url),
    lacks: {
      'fan-out': 'no groups: a job is done once',
      jobs: 'delays are whole seconds',
    },
    notes: {
      'regex-publish': 'a put for each of the ten',
      'regex-follow': 'watches so many tubes',
      'request-one': REPLIES,
      'request-many': REPLIES,
    },
    find: () => findVersion('beanstalkd', '-v', /beanstalkd (\S+)/),
    async start(folder) {
      const port = await freePort();
      const options = ['-l', '127.0.0.1', '-p', String(port), '-b', folder];
      return await launch({
        program: 'beanstalkd',
        args: [...options, `-f${fsyncMs}`, '-z', String(JOB_BYTES_MAX)],
        port,
        address: String(port),
      });
    },
  };
}

export const BEANSTALKD: readonly Peer[] = [
  beanstalkd('beanstalkd-always', 0, 'synced', 'after an fsync'),
  beanstalkd('beanstalkd', 50, 'soon', 'before it; an fsync each 50 ms'),
];
