import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import {
  BATCH_HEADER_BYTES,
  decodeBatch,
  encodeBatchHead,
  StorageFailed,
  StorageFull,
} from '@simplemq/protocol';
import { Batch } from '../../stream/batch.ts';
import type { ReadRequest, Store, StoreCommitted, StoreSnapshot, StoreTransaction } from '../store.ts';
import type { DatabaseOptions } from './database.ts';
import {
  BATCH_COLUMNS,
  type BatchRow,
  type CommitMessage,
  REPLIES,
  REQUESTS,
  SMALL_COMMIT_BYTES,
  type StorageReply,
  type StorageRequest,
  type StorageThreadData,
} from './messages.ts';
import { Spin } from './spin.ts';

type Reply<T extends StorageReply['type']> = Extract<StorageReply, { type: T }>;

/** How long a small commit takes on a disk for which it is worth looking, in ms. */
const SMALL_COMMIT_MS = 0.5;

interface Waiting {
  resolve(reply: StorageReply): void;
  reject(error: Error): void;
}

/**
 * Starts the storage thread on a data folder.
 *
 * @throws StorageFailed with one line for people when the folder cannot be used
 */
export async function openSqliteStore(options: DatabaseOptions): Promise<Store> {
  const { port1: port, port2 } = new MessageChannel();
  const counters = new Int32Array(new SharedArrayBuffer(8));
  // Beside this file and of its kind: source when the sources run, compiled when that does.
  const file = import.meta.url.endsWith('.ts') ? './storage-thread.ts' : './storage-thread.js';
  const worker = new Worker(new URL(file, import.meta.url), {
    workerData: { database: options, port: port2, counters } satisfies StorageThreadData,
    transferList: [port2],
    name: 'simplemq-storage',
  });
  const { promise, resolve, reject } = Promise.withResolvers<StoreSnapshot>();
  const store = new SqliteStore({ worker, port, counters }, promise);
  port.once('message', (reply: StorageReply) => {
    if (reply.type === 'opened') resolve(reply.snapshot);
    else
      reject(new StorageFailed(reply.type === 'refused' ? reply.message : 'the storage thread is confused'));
  });
  worker.once('error', reject);
  try {
    await promise;
  } catch (error) {
    await store.abandon();
    throw error;
  }
  return store;
}

interface StorageThread {
  readonly worker: Worker;
  readonly port: MessagePort;
  readonly counters: Int32Array;
}

/** The main thread's side of the storage thread: requests by id, answers as promises, one promise a request. */
class SqliteStore implements Store {
  readonly durability = 'fsync';
  readonly #thread: StorageThread;
  readonly #snapshot: Promise<StoreSnapshot>;
  readonly #waiting = new Map<number, Waiting>();
  readonly #spin = new Spin(SMALL_COMMIT_MS);
  #nextId = 1;
  #isClosed = false;
  #failure: Error | undefined;

  constructor(thread: StorageThread, snapshot: Promise<StoreSnapshot>) {
    const { worker, port } = thread;
    this.#thread = thread;
    this.#snapshot = snapshot;
    port.on('message', (reply: StorageReply) => this.#answered(reply));
    worker.on('error', (cause) =>
      this.#died(new StorageFailed(`the storage thread failed: ${cause.message}`, { cause })),
    );
    worker.on('exit', () => {
      // The last that it said may still be in the port.
      this.#takeReplies();
      this.#died(new StorageFailed('the storage thread has ended'));
    });
  }

  load(): Promise<StoreSnapshot> {
    return this.#snapshot;
  }

  async commit(transaction: StoreTransaction): Promise<StoreCommitted> {
    if (isEmpty(transaction)) return { removed: [] };
    const commit = packTransaction(transaction);
    const transfer = [commit.data, commit.places.buffer as ArrayBuffer];
    const id = this.#nextId++;
    const isAwaited = commit.places.length > 0 && commit.data.byteLength <= SMALL_COMMIT_BYTES;
    const seen = Atomics.load(this.#thread.counters, REPLIES);
    const committed = this.#ask<'committed'>({ type: 'commit', id, commit }, transfer);
    if (isAwaited) this.#awaitBriefly(seen);
    return committed;
  }

  async read({ streamId, from, bytesMax }: ReadRequest): Promise<Batch[]> {
    const { rows } = await this.#ask<'rows'>({ type: 'read', id: this.#nextId++, streamId, from, bytesMax });
    return rows.map((row) => unpackRow(streamId, row));
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#failure === undefined) await this.#ask<'closed'>({ type: 'close', id: this.#nextId++ });
    await this.abandon();
  }

  /** Ends the thread as it is. */
  async abandon(): Promise<void> {
    this.#thread.port.close();
    await this.#thread.worker.terminate();
  }

  #ask<T extends StorageReply['type']>(
    request: StorageRequest,
    transfer: ArrayBuffer[] = [],
  ): Promise<Reply<T>> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const { promise, resolve, reject } = Promise.withResolvers<Reply<T>>();
    this.#waiting.set(request.id, { resolve: resolve as (reply: StorageReply) => void, reject });
    this.#thread.port.postMessage(request, transfer);
    Atomics.add(this.#thread.counters, REQUESTS, 1);
    return promise;
  }

  /**
   * Looks for the reply for a moment instead of going to sleep. What comes from the network meanwhile would have to
   * wait for this commit anyway.
   */
  #awaitBriefly(seen: number): void {
    if (this.#spin.wait(this.#thread.counters, REPLIES, seen)) this.#takeReplies();
  }

  #takeReplies(): void {
    for (;;) {
      const received = receiveMessageOnPort(this.#thread.port);
      if (received === undefined) return;
      this.#answered(received.message as StorageReply);
    }
  }

  #answered(reply: StorageReply): void {
    if (!('id' in reply)) return;
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if (reply.type === 'full') waiting?.reject(new StorageFull(`the storage is full: ${reply.message}`));
    else if (reply.type === 'failed') waiting?.reject(new StorageFailed(reply.message));
    else waiting?.resolve(reply);
  }

  #died(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

function isEmpty(transaction: StoreTransaction): boolean {
  return Object.values(transaction).every((part: readonly unknown[]) => part.length === 0);
}

/** Copies the batches side by side into one buffer, which goes to the storage thread as it is. */
function packTransaction({ batches, ...rest }: StoreTransaction): CommitMessage {
  const length = batches.reduce((sum, { batch }) => sum + BATCH_HEADER_BYTES + batch.bytes, 0);
  const data = Buffer.allocUnsafeSlow(length);
  const places = new Float64Array(batches.length * BATCH_COLUMNS);
  let offset = 0;
  batches.forEach(({ streamId, batch }, index) => {
    const head = encodeBatchHead(batch.count, batch.flags, batch.shared, batch.records);
    data.set(head, offset);
    data.set(batch.records, offset + head.length);
    const bytes = head.length + batch.records.length;
    places.set([streamId, batch.first, batch.count, batch.bytes, batch.time, bytes], index * BATCH_COLUMNS);
    offset += bytes;
  });
  const parts = Object.entries(rest).filter(([, part]) => part.length > 0);
  return { ...Object.fromEntries(parts), data: data.buffer, places };
}

function unpackRow(streamId: number, { first, time, data }: BatchRow): Batch {
  try {
    const batch = decodeBatch(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
    return new Batch({ first, time, ...batch });
  } catch (cause) {
    throw new StorageFailed(
      `the batch at ${first} of stream ${streamId} is damaged: ${(cause as Error).message}`,
      {
        cause,
      },
    );
  }
}
