import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ServerOptions } from '@simplemq/server';
import { temporaryFolder } from './temporary-folder.ts';

/** What can be given to another process. */
export type SpawnOptions = Omit<ServerOptions, 'logger' | 'engine'>;

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const MAIN = fileURLToPath(new URL('./broker-main.ts', import.meta.url));

/** How its process is started, from the next start on. */
export interface Launch {
  readonly environment?: Readonly<Record<string, string>>;
  /** Of Node.js. */
  readonly flags?: readonly string[];
}

/**
 * A server in a process of its own, on a free port and in a folder of its own unless `options` say otherwise; for tests
 * that kill it. Disposing of it kills it and removes the folder.
 */
export async function spawnBroker(options: SpawnOptions = {}): Promise<SpawnedBroker> {
  const folder = await temporaryFolder();
  const path = options.storage?.path ?? folder.path;
  const broker = new SpawnedBroker({ port: 0, ...options, storage: { ...options.storage, path } }, folder);
  try {
    await broker.start();
    return broker;
  } catch (error) {
    await broker[Symbol.asyncDispose]();
    throw error;
  }
}

export class SpawnedBroker {
  readonly host = '127.0.0.1';
  readonly path: string;
  launch: Launch = {};
  readonly #folder: AsyncDisposable;
  #options: SpawnOptions;
  #process: ChildProcess | undefined;
  #exited: Promise<Exit> | undefined;
  #port = 0;
  #log = '';
  #isRunning = false;

  constructor(options: SpawnOptions, folder: AsyncDisposable) {
    this.#options = options;
    this.#folder = folder;
    this.path = options.storage?.path ?? '';
  }

  get port(): number {
    return this.#port;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Whether its process is there: it may end by itself. */
  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** Settles when its process is gone. */
  get exited(): Promise<Exit> {
    return this.#exited ?? Promise.resolve({ code: null, signal: null });
  }

  /** What all its processes wrote to standard error, which is their log. */
  get log(): string {
    return this.#log;
  }

  /** Starts it (again): on the folder and the port that it had. Settles when it takes connections. */
  async start(): Promise<void> {
    const { environment, flags = [] } = this.launch;
    const child = spawn(
      process.execPath,
      [...flags, '--conditions=@simplemq/source', MAIN, JSON.stringify(this.#options)],
      { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...environment } },
    );
    this.#process = child;
    this.#isRunning = true;
    child.once('close', () => {
      if (this.#process === child) this.#isRunning = false;
    });
    this.#exited = once(child, 'close').then(([code, signal]) => ({ code, signal }));
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#log += text;
    });
    this.#port = await Promise.race([this.#portOf(child), this.#exitedEarly()]);
    this.#options = { ...this.#options, port: this.#port };
  }

  /** Kills it at once, or as `signal` says. Settles when the process is gone. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<Exit> {
    if (this.#exited === undefined) return { code: null, signal: null };
    this.#process?.kill(signal);
    return this.#exited;
  }

  /** Sends it a signal that it may survive. */
  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
  }

  /** Has it shut down in good order. */
  async stop(): Promise<Exit> {
    return this.kill('SIGTERM');
  }

  async restart(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await this.kill(signal);
    await this.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await this.#folder[Symbol.asyncDispose]();
  }

  async #portOf(child: ChildProcess): Promise<number> {
    const lines = createInterface({ input: child.stdout! });
    const [line] = (await once(lines, 'line')) as [string];
    return (JSON.parse(line) as { port: number }).port;
  }

  async #exitedEarly(): Promise<never> {
    const exit = await this.#exited;
    throw new Error(
      `the broker ended with code ${exit?.code} (${exit?.signal}) before it listened: ${this.#log}`,
    );
  }
}
