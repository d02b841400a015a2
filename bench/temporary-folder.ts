import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onInterrupt } from './interrupt.ts';

/** A new folder that goes when it is disposed of, or on an interrupt. */
export class TemporaryFolder implements AsyncDisposable {
  readonly path: string;
  readonly #forget: () => void;

  private constructor(path: string) {
    this.path = path;
    this.#forget = onInterrupt(() => this.#remove());
  }

  static async create(name: string, parent: string = tmpdir()): Promise<TemporaryFolder> {
    return new TemporaryFolder(await mkdtemp(join(parent, `simplemq-${name}-`)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#remove();
    this.#forget();
  }

  #remove(): Promise<void> {
    return rm(this.path, { recursive: true, force: true, maxRetries: 5 });
  }
}
