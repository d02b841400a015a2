import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { shimEnvironment, type Tracing } from '../shim/build-shim.ts';

const MAIN = fileURLToPath(new URL('./broker-main.ts', import.meta.url));

/** The name of the data folder below the root that is written down. */
export const DATA_FOLDER = 'data';

/** A broker in a process of its own, all of whose operations are written down. */
export class TracedBroker implements AsyncDisposable {
  readonly #source: string;
  readonly #tracing: Tracing;
  #process: ChildProcess | undefined;
  #exited: Promise<unknown> = Promise.resolve();
  #port = 0;
  #errors = '';

  constructor(source: string, tracing: Tracing) {
    this.#source = source;
    this.#tracing = tracing;
  }

  get port(): number {
    return this.#port;
  }

  /** Starts it (again), on the port that it had. */
  async start(): Promise<void> {
    const path = join(this.#tracing.root, DATA_FOLDER);
    const child = spawn(
      process.execPath,
      ['--conditions=@simplemq/source', MAIN, this.#source, path, String(this.#port)],
      { stdio: ['ignore', 'pipe', 'pipe'], env: shimEnvironment(this.#tracing) },
    );
    this.#process = child;
    this.#exited = once(child, 'close');
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#errors += text;
    });
    const line = once(createInterface({ input: child.stdout }), 'line') as Promise<[string]>;
    const [text] = await Promise.race([line, this.#endedEarly()]);
    this.#port = (JSON.parse(text) as { port: number }).port;
  }

  /** Has it shut down in good order. */
  async stop(): Promise<void> {
    this.#process?.kill('SIGTERM');
    await this.#exited;
  }

  /** Has it die as of a SIGKILL, between two of its operations. */
  async die(): Promise<void> {
    this.#process?.kill('SIGUSR2');
    await this.#exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process?.kill('SIGKILL');
    await this.#exited;
  }

  async #endedEarly(): Promise<never> {
    await this.#exited;
    throw new Error(`the broker ended before it listened: ${this.#errors}`);
  }
}
