import { execFile } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Fault } from './fault.ts';
import type { World } from './world.ts';

/** A heap in which a broker starts, and soon has no room under load. */
const SMALL_HEAP_MIB = 12;
const HEAP_MS_MAX = 15_000;
/** Descriptors that are left to a broker that runs out of them. */
const DESCRIPTORS_LEFT = 1;
/** How long a start is left alone at the most before it is killed. */
const START_MS_MAX = 600;
const DATABASE = 'simplemq.db';
const LOG = 'simplemq.db-wal';

const kill: Fault = {
  name: 'kill',
  title: 'SIGKILL of the broker',
  async run(world, ms) {
    await world.pass(ms);
    await world.kill();
    await world.start();
    return true;
  },
};

const killStarting: Fault = {
  name: 'kill-starting',
  title: 'SIGKILL while the broker starts',
  async run(world, ms) {
    await world.pass(ms);
    await world.kill();
    const starting = world.start();
    await sleep(world.random.below(START_MS_MAX));
    await world.kill();
    await starting;
    await world.start();
    return true;
  },
};

const stop: Fault = {
  name: 'stop',
  title: 'SIGSTOP of the broker, and SIGCONT',
  async run(world, ms) {
    world.broker.signal('SIGSTOP');
    await world.pass(ms);
    const wasStopped = (await stateOf(world)) === 'T';
    world.broker.signal('SIGCONT');
    return wasStopped;
  },
};

const heapLimit: Fault = {
  name: 'heap-limit',
  title: 'the limit of the heap reached',
  async run(world) {
    const said = world.broker.log.length;
    await world.kill();
    const { launch } = world.broker;
    world.broker.launch = { ...launch, flags: [`--max-old-space-size=${SMALL_HEAP_MIB}`] };
    const isUp = await world.start();
    const hasEnded = !isUp || (await world.endsWithin(HEAP_MS_MAX));
    world.broker.launch = launch;
    if (!hasEnded) await world.kill();
    await world.start();
    return hasEnded && world.broker.log.indexOf('heap out of memory', said) >= 0;
  },
};

const tooManyFiles: Fault = {
  name: 'too-many-files',
  title: 'no file descriptors left',
  async run(world, ms) {
    const { pid } = world.broker;
    if (pid === undefined || !world.broker.isRunning) return false;
    const open = await descriptorsOf(pid);
    if (open === undefined) return false;
    await limitDescriptors(pid, open + DESCRIPTORS_LEFT);
    // Connections that come again take the last ones.
    world.proxy.cut();
    await world.pass(ms);
    const isAtLimit = ((await descriptorsOf(pid)) ?? 0) >= open;
    await limitDescriptors(pid, 65_536);
    return isAtLimit;
  },
};

const oldDatabase: Fault = {
  name: 'old-database',
  title: 'an old copy of the database put back',
  async run(world, ms) {
    const copies = mkdtempSync(join(tmpdir(), 'simplemq-old-'));
    const [old, present] = [join(copies, 'old'), join(copies, 'present')];
    try {
      await world.kill();
      copyDatabase(world.broker.path, old);
      await world.start();
      await world.pass(ms);
      await world.kill();
      copyDatabase(world.broker.path, present);
      copyDatabase(old, world.broker.path);
      // It reads again what the old copy lacks, or says that the journal does not have all of it any more.
      if (!(await world.start())) copyDatabase(present, world.broker.path);
      await world.start();
      return true;
    } finally {
      rmSync(copies, { recursive: true, force: true });
    }
  },
};

export const PROCESS_FAULTS: readonly Fault[] = [
  kill,
  killStarting,
  stop,
  heapLimit,
  tooManyFiles,
  oldDatabase,
];

async function stateOf({ broker }: World): Promise<string> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'stat=', '-p', String(broker.pid)]).catch(() => ({
    stdout: '',
  }));
  return stdout.slice(0, 1);
}

async function descriptorsOf(pid: number): Promise<number | undefined> {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return undefined;
  }
}

/** Only the soft limit: it can be raised again. */
async function limitDescriptors(pid: number, count: number): Promise<void> {
  await promisify(execFile)('prlimit', ['--pid', String(pid), `--nofile=${count}:`]).catch(() => {});
}

function copyDatabase(from: string, to: string): void {
  const file = (folder: string, name: string) =>
    existsSync(folder) ? join(folder, name) : `${folder}.${name}`;
  for (const name of [DATABASE, LOG, `${DATABASE}-shm`]) {
    rmSync(file(to, name), { force: true });
    if (name !== `${DATABASE}-shm` && existsSync(file(from, name)))
      copyFileSync(file(from, name), file(to, name));
  }
}
