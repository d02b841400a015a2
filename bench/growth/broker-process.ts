import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Connection, type Cursor } from '@simplemq/client';
import { killRoles, type RunningServer, startSimpleMq } from '../processes.ts';
import { TemporaryFolder } from '../temporary-folder.ts';
import { settledBytes } from './memory.ts';
import type { GrowthOrders } from './roles/orders.ts';

/** startSimpleMq takes the broker that is in a folder like the one of this file. */
const HERE = new URL('./', import.meta.url);
const BLOCK_BYTES = 512;

/** A broker in a process of its own, with a data folder of its own that goes with it. */
export class BrokerProcess implements AsyncDisposable {
  readonly #folder: TemporaryFolder;
  #server: RunningServer;

  private constructor(folder: TemporaryFolder, server: RunningServer) {
    this.#folder = folder;
    this.#server = server;
  }

  static async start(parent: string): Promise<BrokerProcess> {
    await using undo = new AsyncDisposableStack();
    const folder = undo.use(await TemporaryFolder.create('growth', parent));
    const server = await startSimpleMq(folder.path, HERE);
    undo.move();
    return new BrokerProcess(folder, server);
  }

  get server(): RunningServer {
    return this.#server;
  }

  settledBytes(): Promise<number> {
    return settledBytes(this.#server.pid);
  }

  async stop(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (signal === 'SIGKILL') process.kill(this.#server.pid, signal);
    await this.#server.stop();
  }

  /** @returns how long it took to listen again, in ms */
  async startAgain(): Promise<number> {
    const start = performance.now();
    this.#server = await startSimpleMq(this.#folder.path, HERE);
    return performance.now() - start;
  }

  /** Does something over a connection that is there for it alone. */
  async manage<R>(work: (cursor: Cursor) => Promise<R>): Promise<R> {
    await using connection = new Connection(this.#server.address);
    return await work(connection.cursor());
  }

  orders(stream: string, messages: number, bodyBytes: number): GrowthOrders {
    const { address, pid } = this.#server;
    return { server: address, pid, stream, messages, bodyBytes, window: 10_000, connections: 1 };
  }

  /** What all files of the data folder take on the disk; to be asked of a broker that is stopped. */
  async diskBytes(): Promise<number> {
    const names = await readdir(this.#folder.path, { recursive: true });
    const stats = await Promise.all(names.map((name) => lstat(join(this.#folder.path, name))));
    return stats.reduce((sum, { blocks }) => sum + blocks * BLOCK_BYTES, 0);
  }

  /** Roles that are left, as when another failed, end with it. */
  async [Symbol.asyncDispose](): Promise<void> {
    killRoles();
    await this.#server.stop();
    await this.#folder[Symbol.asyncDispose]();
  }
}
