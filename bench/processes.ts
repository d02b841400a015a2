import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { onInterrupt } from './interrupt.ts';
import type { Figures, Orders } from './role.ts';

/** The folder that files of roles and brokers are named from, unless they are whole URLs. */
const BENCH = new URL('./', import.meta.url);
/** A role that is not done by then is ended, and its benchmark with it. */
const WORK_MS_MAX = 900_000;

export interface RunningRole<F extends Figures = Figures> {
  /** Gives the word and resolves with the figures, when the process has ended. */
  go(): Promise<F>;
  /** Ends one that works until it is told to stop. */
  stop(): Promise<void>;
}

const roles = new Set<ChildProcess>();

/** Ends the roles that are left when one of several has failed. */
export function killRoles(): void {
  for (const child of roles) child.kill('SIGKILL');
}

/** Starts a role in a process of its own and resolves when it is connected. */
export async function startRole<F extends Figures = Figures>(
  file: string | URL,
  orders: Orders,
): Promise<RunningRole<F>> {
  const child = fork(fileURLToPath(new URL(file, BENCH)), [JSON.stringify(orders)]);
  roles.add(child);
  const forget = onInterrupt(async () => {
    child.kill('SIGKILL');
  });
  child.once('exit', () => {
    roles.delete(child);
    forget();
  });
  await message(child, 'ready');
  return {
    async stop() {
      if (!roles.has(child)) return;
      // A role ends with its channel; SIGTERM may mean something to what it runs.
      child.disconnect();
      await once(child, 'exit');
    },
    async go() {
      const figures = message(child, 'figures');
      const exit = once(child, 'exit');
      const limit = setTimeout(() => child.kill('SIGKILL'), WORK_MS_MAX);
      child.send('go');
      const result = (await figures) as { figures: F };
      clearTimeout(limit);
      await exit;
      return result.figures;
    },
  };
}

/** Starts a role and lets it work at once. */
export async function runAlone<F extends Figures = Figures>(file: string | URL, orders: Orders): Promise<F> {
  return (await startRole<F>(file, orders)).go();
}

export interface RunningServer {
  readonly address: string;
  readonly pid: number;
  stop(): Promise<void>;
}

/**
 * Starts SimpleMQ in a process of its own on a free port.
 *
 * @param bench the folder like this one that its broker is from: another checkout's, to compare with
 */
export async function startSimpleMq(folder: string, bench: URL = BENCH): Promise<RunningServer> {
  const child = fork(fileURLToPath(new URL('./simplemq/broker.ts', bench)), [folder]);
  const end = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    await once(child, 'exit');
  };
  const forget = onInterrupt(end);
  const { port } = (await message(child, 'listening')) as { port: number };
  return {
    address: `simplemq://127.0.0.1:${port}`,
    pid: child.pid!,
    async stop() {
      await end();
      forget();
    },
  };
}

/** Starts Redis on a free port, its strictest durable setting: an fsync before every answer. */
export async function startRedis(folder: string): Promise<RunningServer> {
  const port = await freePort();
  const options = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', ''];
  const child = spawn('redis-server', [...options, '--appendonly', 'yes', '--appendfsync', 'always'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const chunk of child.stdout) if (String(chunk).includes('Ready to accept connections')) break;
  return {
    address: String(port),
    pid: child.pid!,
    async stop() {
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}

/** The resident memory of a server now, in MB. Linux only. */
export async function residentMb({ pid }: RunningServer): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(/VmRSS:\s+(\d+) kB/.exec(status)![1]) / 1024);
}

/** The largest resident memory of a server from now on, in MB, looked at ten times a second. */
export function watchMemory(server: RunningServer): { stop(): Promise<number> } {
  let peak = 0;
  const look = async (): Promise<void> => {
    peak = Math.max(peak, await residentMb(server));
  };
  const timer = setInterval(look, 100);
  return {
    async stop() {
      clearInterval(timer);
      await look();
      return peak;
    },
  };
}

/** A port of the loopback interface that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

function message(child: ChildProcess, type: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const onMessage = (received: unknown): void => {
      if ((received as { type: string }).type !== type) return;
      child.off('message', onMessage);
      child.off('exit', onExit);
      resolve(received);
    };
    const onExit = (code: number | null): void => {
      reject(new Error(`${child.spawnargs[1]} ended with ${code} before it sent '${type}'`));
    };
    child.on('message', onMessage);
    child.on('exit', onExit);
  });
}
