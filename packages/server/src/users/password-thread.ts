import { Worker } from 'node:worker_threads';
import { isPassword, type PasswordCost } from './passwords.ts';
import type { PasswordRecord } from './user-record.ts';

export interface PasswordRequest {
  readonly password: string;
  readonly salt: Uint8Array;
  readonly cost: PasswordCost;
}

export interface PasswordReply {
  readonly hash: Uint8Array;
  /** How long a processor was at work on it, in ms. */
  readonly workedMs: number;
}

/**
 * A thread that makes hashes of passwords and gives way to all others: one at a time, as the queue has it. It is started
 * when the first password comes, and anew by the next one when it has failed.
 */
export class PasswordThread {
  #worker: Worker | undefined;
  #isClosed = false;
  #workedMs = 0;

  /** How long a processor was at work on passwords so far, in ms. */
  get workedMs(): number {
    return this.#workedMs;
  }

  /** As passwords.ts has it. */
  isPassword(password: string, record: PasswordRecord | undefined): Promise<boolean> {
    return isPassword(password, record, (...args) => this.#derive(...args));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#worker?.terminate();
  }

  async #derive(password: string, salt: Uint8Array, cost: PasswordCost): Promise<Uint8Array> {
    if (this.#isClosed) throw new Error('the thread that hashes passwords is closed');
    this.#worker ??= this.#start();
    const { hash, workedMs } = await reply(this.#worker, { password, salt, cost });
    this.#workedMs += workedMs;
    return hash;
  }

  #start(): Worker {
    // Beside this file and of its kind: source when the sources run, compiled when that does.
    const file = import.meta.url.endsWith('.ts') ? './password-worker.ts' : './password-worker.js';
    const worker = new Worker(new URL(file, import.meta.url), { name: 'simplemq-passwords' });
    worker.unref();
    const onEnd = (): void => {
      if (this.#worker === worker) this.#worker = undefined;
    };
    worker.once('exit', onEnd);
    // Whoever waits for a hash is told by `reply`.
    worker.on('error', onEnd);
    return worker;
  }
}

function reply(worker: Worker, request: PasswordRequest): Promise<PasswordReply> {
  const { promise, resolve, reject } = Promise.withResolvers<PasswordReply>();
  const onExit = (): void => reject(new Error('the thread that hashes passwords has ended'));
  worker.once('message', resolve).once('error', reject).once('exit', onExit);
  worker.postMessage(request);
  return promise.finally(() => worker.off('message', resolve).off('error', reject).off('exit', onExit));
}
