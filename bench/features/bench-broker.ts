import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Connection, type Cursor } from '@simplemq/client';
import { type RunningServer, startSimpleMq } from '../processes.ts';
import type { Orders } from '../role.ts';

const MEGABYTE = 1024 * 1024;

/** A broker in a process of its own on a folder of its own, which goes with it. */
export class BenchBroker implements AsyncDisposable {
  readonly #folder: string;
  #server: RunningServer;

  private constructor(folder: string, server: RunningServer) {
    this.#folder = folder;
    this.#server = server;
  }

  static async start(): Promise<BenchBroker> {
    const folder = await mkdtemp(join(tmpdir(), 'simplemq-bench-'));
    return new BenchBroker(folder, await startSimpleMq(folder));
  }

  get server(): RunningServer {
    return this.#server;
  }

  /** @returns how long it took to take connections again, in ms */
  async restart(signal: 'SIGTERM' | 'SIGKILL'): Promise<number> {
    if (signal === 'SIGKILL') process.kill(this.#server.pid, signal);
    await this.#server.stop();
    const start = performance.now();
    this.#server = await startSimpleMq(this.#folder);
    return performance.now() - start;
  }

  /** Does something over a connection that is there for it alone. */
  async manage<R>(work: (cursor: Cursor) => Promise<R>): Promise<R> {
    await using connection = new Connection(this.#server.address);
    return await work(connection.cursor());
  }

  orders(stream: string, messages: number, bodyBytes: number): Orders {
    return { server: this.#server.address, stream, messages, bodyBytes, window: 10_000, connections: 1 };
  }

  /** What its files take on the disk, in MB. */
  async folderMb(): Promise<number> {
    const names = await readdir(this.#folder);
    const sizes = await Promise.all(names.map(async (name) => (await stat(join(this.#folder, name))).size));
    return sizes.reduce((sum, size) => sum + size, 0) / MEGABYTE;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.stop();
    await rm(this.#folder, { recursive: true });
  }
}
