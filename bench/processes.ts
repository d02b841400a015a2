import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { Figures, Orders } from './role.ts';

export interface RunningRole {
  /** Gives the word and resolves with the figures, when the process has ended. */
  go(): Promise<Figures>;
}

/** Starts a role in a process of its own and resolves when it is connected. */
export async function startRole(file: string, orders: Orders): Promise<RunningRole> {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), [JSON.stringify(orders)]);
  await message(child, 'ready');
  return {
    async go() {
      const figures = message(child, 'figures');
      const exit = once(child, 'exit');
      child.send('go');
      const result = (await figures) as { figures: Figures };
      await exit;
      return result.figures;
    },
  };
}

/** Starts a role and lets it work at once. */
export async function runAlone(file: string, orders: Orders): Promise<Figures> {
  return (await startRole(file, orders)).go();
}

export interface RunningServer {
  readonly address: string;
  readonly pid: number;
  stop(): Promise<void>;
}

/** Starts SimpleMQ in a process of its own on a free port. */
export async function startSimpleMq(folder: string): Promise<RunningServer> {
  const child = fork(fileURLToPath(new URL('./simplemq/broker.ts', import.meta.url)), [folder]);
  const { port } = (await message(child, 'listening')) as { port: number };
  return {
    address: `simplemq://127.0.0.1:${port}`,
    pid: child.pid!,
    async stop() {
      child.kill('SIGTERM');
      await once(child, 'exit');
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

async function freePort(): Promise<number> {
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
      reject(new Error(`${child.spawnargs.join(' ')} ended with ${code} before it sent '${type}'`));
    };
    child.on('message', onMessage);
    child.on('exit', onExit);
  });
}
