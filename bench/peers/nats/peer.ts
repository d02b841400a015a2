import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort, type RunningServer } from '../../processes.ts';
import { TemporaryFolder } from '../../temporary-folder.ts';
import type { Found, Peer } from '../peer.ts';
import { findProgram, findVersion, launch } from '../programs.ts';

const PROGRAM = 'nats-server';
const REQUESTS = 'core NATS: neither request nor reply is stored';
const SHARED: Pick<Peer, 'client' | 'lacks' | 'notes'> = {
  client: new URL('./client.ts', import.meta.url),
  lacks: { jobs: 'no delayed publish in this version' },
  notes: {
    'regex-publish': 'ten publishes; the streams are subjects of one JetStream stream',
    'regex-follow': 'one consumer of a JetStream stream of so many subjects',
    'request-one': REQUESTS,
    'request-many': REQUESTS,
  },
};

const LAZY: Peer = {
  ...SHARED,
  id: 'nats',
  name: 'NATS JetStream',
  durability: 'memory',
  confirm: 'before it; an fsync every minute or two',
  find: () => findVersion(PROGRAM, '--version', /v(\d\S*)/),
  start: (folder) => startNats(folder),
};

const STRICT: Peer = {
  ...SHARED,
  id: 'nats-always',
  name: 'NATS JetStream, sync_interval always',
  durability: 'synced',
  confirm: 'after an fsync',
  find: findStrict,
  start: (folder) => startNats(folder, 'always'),
};

export const NATS: readonly Peer[] = [LAZY, STRICT];

async function startNats(folder: string, syncInterval?: string): Promise<RunningServer> {
  const port = await freePort();
  const config = await configure(folder, port, syncInterval);
  return await launch({
    program: (await findProgram(PROGRAM))!,
    args: ['-c', config],
    port,
    address: `nats://127.0.0.1:${port}`,
  });
}

async function configure(folder: string, port: number, syncInterval?: string): Promise<string> {
  const file = join(folder, 'nats.conf');
  const sync = syncInterval === undefined ? '' : `, sync_interval: ${syncInterval}`;
  await writeFile(
    file,
    `listen: "127.0.0.1:${port}"\nmax_payload: 8MB\njetstream { store_dir: ${JSON.stringify(folder)}${sync} }\n`,
  );
  return file;
}

/** Versions before 2.10 have no such setting, and none that is shorter than the interval they have. */
async function findStrict(): Promise<Found> {
  const found = await LAZY.find();
  if ('missing' in found) return found;
  await using folder = await TemporaryFolder.create('nats', tmpdir());
  const config = await configure(folder.path, 4222, 'always');
  try {
    await promisify(execFile)((await findProgram(PROGRAM))!, ['-t', '-c', config]);
    return found;
  } catch {
    return { missing: `nats-server ${found.version} has no setting sync_interval, which came with 2.10` };
  }
}
