import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

interface Waiter {
  readonly done: (lines: readonly string[]) => boolean;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** A program of the repository as a process of its own, and what it prints. Disposing of it kills it. */
export class Program implements AsyncDisposable {
  readonly lines: string[] = [];
  readonly ended: Promise<Ended>;
  readonly #process: ChildProcess;
  readonly #waiters = new Set<Waiter>();
  #errors = '';

  /** @param file counts from the root of the repository */
  constructor(file: string, args: readonly string[] = [], environment: NodeJS.ProcessEnv = {}) {
    const child = spawn(process.execPath, [file, ...args], {
      cwd: ROOT,
      env: { ...process.env, NODE_OPTIONS: '--conditions=@simplemq/source', ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#process = child;
    createInterface({ input: child.stdout }).on('line', (line) => this.#printed(line));
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#errors += text;
    });
    this.ended = once(child, 'close').then(([code, signal]) => {
      for (const { reject } of this.#waiters) reject(new Error(`${file} ended (${code}): ${this.#errors}`));
      return { code, signal };
    });
  }

  get output(): string {
    return this.lines.join('\n');
  }

  /** All that it wrote to standard error. */
  get errors(): string {
    return this.#errors;
  }

  /** Settles when it has printed this line. */
  printed(line: string | RegExp): Promise<string> {
    const isIt = (one: string): boolean => (typeof line === 'string' ? one === line : line.test(one));
    return this.#until((lines) => lines.some(isIt)).then(() => this.lines.find(isIt)!);
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { reject } of this.#waiters) reject(new Error('the program was killed'));
    this.#waiters.clear();
    this.kill('SIGKILL');
    await this.ended;
  }

  async #until(done: (lines: readonly string[]) => boolean): Promise<void> {
    if (done(this.lines)) return;
    await new Promise<void>((resolve, reject) => this.#waiters.add({ done, resolve, reject }));
  }

  #printed(line: string): void {
    this.lines.push(line);
    for (const waiter of this.#waiters) {
      if (!waiter.done(this.lines)) continue;
      this.#waiters.delete(waiter);
      waiter.resolve();
    }
  }
}
