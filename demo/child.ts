import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A process of the demo. */
export class Child<Message> {
  readonly name: string;
  /** Settles when it is gone and all that it reported was heard. */
  readonly ended: Promise<void>;
  readonly #process: ChildProcess;
  #errors = '';
  #isAsked = false;

  /**
   * @param script beside this file
   * @param onFailure told when it ends in a way that nobody asked for
   */
  constructor(
    name: string,
    script: string,
    argument: object,
    onMessage: (message: Message) => void,
    onFailure: (error: Error) => void,
  ) {
    this.name = name;
    this.#process = spawn(
      process.execPath,
      [...process.execArgv, fileURLToPath(new URL(script, import.meta.url)), JSON.stringify(argument)],
      { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] },
    );
    this.#process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = (this.#errors + text).slice(0, 10_000);
    });
    this.#process.on('message', (message) => onMessage(message as Message));
    this.ended = once(this.#process, 'close').then(([code, signal]) => {
      if (code !== 0 && !this.#isAsked) onFailure(this.#failure(code ?? signal));
    }, onFailure);
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** Asks it to finish what it has in hand and to end. */
  stop(): Promise<void> {
    this.#process.kill('SIGTERM');
    return this.ended;
  }

  kill(): Promise<void> {
    this.#isAsked = true;
    this.#process.kill('SIGKILL');
    return this.ended;
  }

  #failure(how: number | string): Error {
    const why = this.#errors.split('\n').find((line) => /^\w*Error\b|^\w+: /.test(line)) ?? this.#errors;
    return new Error(`the ${this.name} ended (${how}): ${why.trim() || 'it did not say why'}`);
  }
}
