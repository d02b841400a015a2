import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { connect } from 'node:net';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { onInterrupt } from '../interrupt.ts';
import type { RunningServer } from '../processes.ts';
import type { Found } from './peer.ts';

const START_MS_MAX = 60_000;
const STOP_MS_MAX = 20_000;

/** Where a program is: on the PATH, or in one of the folders where only root has it. */
export async function findProgram(name: string, ...folders: string[]): Promise<string | undefined> {
  const all = [...folders, ...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  for (const folder of all) {
    const file = join(folder, name);
    const isThere = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return file;
  }
  return undefined;
}

/** Asks a program for its version. */
export async function findVersion(program: string, argument: string, pattern: RegExp): Promise<Found> {
  const file = await findProgram(program);
  if (file === undefined) return { missing: `${program} is not installed` };
  const { stdout, stderr } = await promisify(execFile)(file, [argument]);
  return { version: pattern.exec(`${stdout}${stderr}`)?.[1] ?? 'of an unknown version' };
}

export interface Launch {
  readonly program: string;
  readonly args: readonly string[];
  readonly port: number;
  readonly address: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts a server and resolves when it takes connections. It is stopped by its process id, on an interrupt too. */
export async function launch({ program, args, port, address, env }: Launch): Promise<RunningServer> {
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
    // In a group of its own, so that Ctrl-C leaves it to be stopped in order.
    detached: true,
  });
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  child.once('exit', () => process.off('exit', kill));
  let output = '';
  const keep = (chunk: Buffer): void => {
    output = `${output}${chunk}`.slice(-2_000);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const failed = once(child, 'error').then(([error]) => Promise.reject(error));
  failed.catch(() => {});
  const forget = onInterrupt(() => stop(child));
  try {
    await Promise.race([listening(child, port, () => output), failed]);
  } catch (error) {
    await stop(child);
    throw error;
  }
  return {
    address,
    pid: child.pid!,
    async stop() {
      await stop(child);
      forget();
    },
  };
}

async function listening(child: ChildProcess, port: number, output: () => string): Promise<void> {
  const end = performance.now() + START_MS_MAX;
  while (performance.now() < end) {
    if (hasEnded(child)) throw new Error(`${child.spawnfile} ended at its start: ${output()}`);
    if (await accepts(port)) return;
    await sleep(20);
  }
  throw new Error(`${child.spawnfile} took no connection within ${START_MS_MAX} ms: ${output()}`);
}

function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  return new Promise((resolve) => {
    const done = (result: boolean): void => {
      socket.destroy();
      resolve(result);
    };
    socket.once('connect', () => done(true));
    socket.once('error', () => done(false));
  });
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || hasEnded(child)) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX);
  await exit;
  clearTimeout(timer);
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}
