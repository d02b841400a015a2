import { Worker } from 'node:worker_threads';

/** What the watchdog and who is watched share. */
export interface Watched {
  /** How many inputs there were, and the length of the one that is being read. */
  readonly numbers: Int32Array;
  readonly input: Uint8Array;
  /** Where to keep an input that is never done with. */
  readonly folder: string;
  readonly target: string;
}

/**
 * Looks from a thread of its own whether inputs go on, as one that is read without end stops everything else in this
 * one. Such an input is kept, and the process is ended.
 */
export class Watchdog {
  readonly #numbers = new Int32Array(new SharedArrayBuffer(8));
  readonly #input: Uint8Array;
  readonly #worker: Worker;

  constructor(target: string, folder: string, inputBytesMax: number) {
    this.#input = new Uint8Array(new SharedArrayBuffer(inputBytesMax));
    const workerData: Watched = { numbers: this.#numbers, input: this.#input, folder, target };
    this.#worker = new Worker(new URL('./watchdog-thread.ts', import.meta.url), { workerData });
    this.#worker.unref();
  }

  /** To be called before each input is read. */
  readonly begins = (input: Uint8Array): void => {
    this.#input.set(input);
    this.#numbers[1] = input.length;
    this.#numbers[0]!++;
  };

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate();
  }
}
