import { Worker } from 'node:worker_threads';
import { isPassword, type PasswordCost } from './passwords.ts';
import type { PasswordRecord } from './user-record.ts';

export interface PasswordRequest {
  readonly password: string;
  readonly salt: Uint8Array;
  readonly cost: PasswordCost;
}

/**
 * A thread that makes hashes of passwords and gives way to all others: one at a time, as the queue has it. It is started
 * when the first password comes.
 */
export class PasswordThread {
  #worker: Worker | undefined;

  /** As passwords.ts has it. */
  isPassword(password: string, record: PasswordRecord | undefined): Promise<boolean> {
    return isPassword(password, record, (...args) => this.#derive(...args));
  }

  async close(): Promise<void> {
    await this.#worker?.terminate();
  }

  #derive(password: string, salt: Uint8Array, cost: PasswordCost): Promise<Uint8Array> {
    this.#worker ??= this.#start();
    const worker = this.#worker;
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
    const onEnd = (): void => reject(new Error('the thread that hashes passwords has ended'));
    worker.once('message', resolve).once('error', reject).once('exit', onEnd);
    worker.postMessage({ password, salt, cost } satisfies PasswordRequest);
    return promise.finally(() => worker.off('message', resolve).off('error', reject).off('exit', onEnd));
  }

  #start(): Worker {
    // Beside this file and of its kind: source when the sources run, compiled when that does.
    const file = import.meta.url.endsWith('.ts') ? './password-worker.ts' : './password-worker.js';
    const worker = new Worker(new URL(file, import.meta.url), { name: 'simplemq-passwords' });
    worker.unref();
    // The next password starts another.
    worker.once('exit', () => {
      this.#worker = undefined;
    });
    return worker;
  }
}
