import { existsSync, rmSync } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CommandError } from '../command-error.ts';

/** The file of a backup, which has its name only once it is whole and on the disk. */
export class BackupFile {
  readonly #path: string;
  readonly #part: string;
  readonly #handle: FileHandle;
  #bytes = 0;
  /** However the process ends, half a backup is not left behind. */
  readonly #onExit = (): void => rmSync(this.#part, { force: true });
  readonly #onSignal = (signal: NodeJS.Signals): void => {
    process.stderr.write(`simplemq: stopped by ${signal}: nothing was written\n`);
    process.exit(1);
  };

  private constructor(path: string, part: string, handle: FileHandle) {
    this.#path = path;
    this.#part = part;
    this.#handle = handle;
    process.on('exit', this.#onExit);
    process.on('SIGINT', this.#onSignal).on('SIGTERM', this.#onSignal);
  }

  /** @throws CommandError when it is there, or cannot be written */
  static async create(path: string): Promise<BackupFile> {
    if (path === '') throw new CommandError('name the file that the backup is to go into');
    if (existsSync(path)) throw isThere(path);
    const part = `${path}.part-${process.pid}`;
    try {
      return new BackupFile(path, part, await open(part, 'wx', 0o600));
    } catch (cause) {
      throw new CommandError(`the file ${path} cannot be written: ${(cause as Error).message}`, { cause });
    }
  }

  get bytes(): number {
    return this.#bytes;
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let written = 0; written < bytes.length; ) {
      written += (await this.#handle.write(bytes, written)).bytesWritten;
    }
    this.#bytes += bytes.length;
  }

  /** It is whole. */
  async finish(): Promise<void> {
    await this.#handle.sync();
    if (existsSync(this.#path)) throw isThere(this.#path);
    await rename(this.#part, this.#path);
    const folder = await open(dirname(this.#path), 'r');
    await folder.sync();
    await folder.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    process.off('exit', this.#onExit);
    process.off('SIGINT', this.#onSignal).off('SIGTERM', this.#onSignal);
    await this.#handle.close();
    await rm(this.#part, { force: true });
  }
}

function isThere(path: string): CommandError {
  return new CommandError(`the file ${path} is there already, and is not written over; name another`);
}
