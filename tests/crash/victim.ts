import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A process of a program that works on a broker, as the one that kills it holds it. */
export class Victim<Options extends { readonly name: string }> {
  readonly options: Options;
  /** Rejects when it ends by itself. */
  readonly failed: Promise<never>;
  readonly #process: ChildProcess;
  readonly #exited: Promise<number | null>;
  #mayEnd = false;
  #errors = '';

  private constructor(main: URL, options: Options) {
    this.options = options;
    this.#process = spawn(
      process.execPath,
      ['--conditions=@simplemq/source', fileURLToPath(main), JSON.stringify(options)],
      { stdio: ['ignore', 'inherit', 'pipe', 'ipc'] },
    );
    this.#process.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#errors += text;
    });
    this.#exited = once(this.#process, 'close').then(([code]) => code as number | null);
    this.failed = this.#exited.then((code) => {
      if (this.#mayEnd) return new Promise<never>(() => {});
      throw new Error(`${options.name} ended by itself with code ${code}: ${this.#errors}`);
    });
    this.failed.catch(() => {});
  }

  /** Settles when it begins its work. `main` is the program, which is given the options as JSON. */
  static async start<Options extends { readonly name: string }>(
    main: URL,
    options: Options,
  ): Promise<Victim<Options>> {
    const victim = new Victim(main, options);
    await Promise.race([once(victim.#process, 'message'), victim.failed]);
    return victim;
  }

  async kill(): Promise<void> {
    this.#mayEnd = true;
    this.#process.kill('SIGKILL');
    await this.#exited;
  }

  /** Has it finish what it has begun. */
  async stop(): Promise<void> {
    this.#mayEnd = true;
    this.#process.send('stop');
    const code = await this.#exited;
    if (code !== 0) throw new Error(`${this.options.name} ended with code ${code}: ${this.#errors}`);
  }
}
