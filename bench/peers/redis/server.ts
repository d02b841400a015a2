import { freePort, type RunningServer } from '../../processes.ts';
import type { Durability, Found } from '../peer.ts';
import { findVersion, launch } from '../programs.ts';

export type Fsync = 'always' | 'everysec';

/** What a reply says about the disk with each setting of appendfsync. */
export const FSYNC: Readonly<Record<Fsync, { durability: Durability; confirm: string }>> = {
  always: { durability: 'synced', confirm: 'after an fsync' },
  everysec: { durability: 'soon', confirm: 'before it; an fsync each second' },
};

export function findRedis(): Promise<Found> {
  return findVersion('redis-server', '--version', /v=(\S+)/);
}

/** Without snapshots, and without rewrites of its log, which would run beside the measuring. */
export async function startRedis(folder: string, fsync: Fsync): Promise<RunningServer> {
  const port = await freePort();
  const options = {
    port: String(port),
    bind: '127.0.0.1',
    dir: folder,
    save: '',
    appendonly: 'yes',
    appendfsync: fsync,
    'auto-aof-rewrite-percentage': '0',
  };
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
  return await launch({ program: 'redis-server', args, port, address: String(port) });
}
