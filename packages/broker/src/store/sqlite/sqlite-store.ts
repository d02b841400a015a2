import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { ServerClosing, StorageFailed, StorageFull } from '@simplemq/protocol';
import { isCollectedInOneGo } from '../../garbage.ts';
import { append } from '../../lists.ts';
import type { Batch } from '../../stream/batch.ts';
import type {
  BackupPiece,
  DelayedPage,
  FrontRequest,
  ListDelayedRequest,
  ReadDelayedRequest,
  ReadFailuresRequest,
  ReadRequest,
  SeekRequest,
  Store,
  StoreBackups,
  StoreCommitted,
  StoredDamage,
  StoredDelayed,
  StoredFailure,
  StoreHealth,
  StoreSnapshot,
  StoreTransaction,
} from '../store.ts';
import { Activity } from './activity.ts';
import { type Unpacked, unpackDelayed, unpackRow } from './batch-rows.ts';
import { type CommitRecord, encodeCommit } from './commit-record.ts';
import type { DamagedBatch } from './damaged-batches.ts';
import type { DatabaseOptions } from './database.ts';
import { KnownGroups } from './known-groups.ts';
import {
  A_REPLY,
  COUNTERS,
  type DelayedRow,
  isAwaited,
  type Queries,
  type QueryRequest,
  REPLIES_TAKEN,
  REQUESTS,
  type StorageReply,
  type StorageRequest,
  type StorageThreadData,
  TAKEN_MS,
} from './messages.ts';
import { type Seen, Spin } from './spin.ts';

type Reply<T extends StorageReply['type']> = Extract<StorageReply, { type: T }>;

/** How long a small commit takes on a disk for which it is worth looking, in ms. */
const SMALL_COMMIT_MS = 0.5;

interface Waiting {
  readonly request: StorageRequest;
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
  const counters = new Int32Array(new SharedArrayBuffer(COUNTERS * Int32Array.BYTES_PER_ELEMENT));
  // Beside this file and of its kind: source when the sources run, compiled when that does.
  const file = import.meta.url.endsWith('.ts') ? './storage-thread.ts' : './storage-thread.js';
  const worker = new Worker(new URL(file, import.meta.url), {
    workerData: {
      database: options,
      port: port2,
      counters,
      collects: isCollectedInOneGo(),
    } satisfies StorageThreadData,
    transferList: [port2],
    name: 'simplemq-storage',
  });
  return connectStore({ worker, port, counters });
}

/** @throws StorageFailed when the storage thread says that the folder cannot be used */
export async function connectStore(thread: StorageThread): Promise<Store> {
  const { worker, port } = thread;
  const { promise: opened, resolve, reject } = Promise.withResolvers<Reply<'opened'>>();
  const store = new SqliteStore(thread);
  port.once('message', (reply: StorageReply) => {
    if (reply.type === 'opened') resolve(reply);
    else
      reject(new StorageFailed(reply.type === 'refused' ? reply.message : 'the storage thread is confused'));
  });
  worker.once('error', reject);
  try {
    store.opened(await opened);
  } catch (error) {
    await store.abandon();
    throw error;
  }
  return store;
}

export interface StorageThread {
  readonly worker: Pick<Worker, 'on' | 'once' | 'terminate'>;
  readonly port: MessagePort;
  readonly counters: Int32Array;
}

/** The main thread's side of the storage thread: requests by id, answers as promises, one promise a request. */
class SqliteStore implements Store {
  readonly durability = 'fsync';
  onDamaged: (damage: readonly StoredDamage[]) => void = (damage) => append(this.#untold, damage);
  /** What was set aside before anybody wanted to know. */
  readonly #untold: StoredDamage[] = [];
  readonly #thread: StorageThread;
  #snapshot: StoreSnapshot | undefined;
  #groups = new KnownGroups([]);
  readonly #waiting = new Map<number, Waiting>();
  readonly #activity: Activity;
  /** The bytes for which there was no room when a commit with messages last came; 0 when there was. */
  #refusedBytes = 0;
  #isAskingForRoom = false;
  readonly #spin: Spin;
  #nextId = 1;
  #isClosed = false;
  #failure: Error | undefined;

  constructor(thread: StorageThread) {
    const { worker, port } = thread;
    this.#thread = thread;
    this.#activity = new Activity(thread.counters);
    this.#spin = new Spin(thread.counters, A_REPLY, SMALL_COMMIT_MS, TAKEN_MS);
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

  opened({ snapshot, damage }: Reply<'opened'>): void {
    this.#snapshot = snapshot;
    this.#groups = new KnownGroups(snapshot.groups);
    // What the snapshot says of the streams' bytes is without it.
    for (const each of damage) this.#untold.push({ ...each, bytes: 0 });
  }

  async load(): Promise<StoreSnapshot> {
    const snapshot = this.#snapshot;
    if (snapshot === undefined) throw new StorageFailed('the storage was loaded already');
    // It may be large, and is not needed again.
    this.#snapshot = undefined;
    if (this.#untold.length > 0) setImmediate(() => this.onDamaged(this.#untold.splice(0)));
    return snapshot;
  }

  async commit(transaction: StoreTransaction, movedBytes = 0): Promise<StoreCommitted> {
    if (isEmpty(transaction)) return { removed: [] };
    const record = this.#encode(transaction);
    const newBytes = bytesOf(transaction) > movedBytes ? record.bytes.byteLength - movedBytes : 0;
    const bringsMessages = transaction.batches.length > 0 || transaction.delayed.length > 0;
    const commit = { record, bringsMessages, newBytes };
    const seen = this.#spin.see();
    const isSmall = isAwaited(commit);
    const { byteLength } = commit.record.bytes;
    const request = { type: 'commit', id: this.#nextId++, commit } as const;
    const committed = this.#ask<'committed'>(request, [commit.record.bytes]);
    if (isSmall) this.#awaitBriefly(seen);
    try {
      const result = await committed;
      if (newBytes > 0) this.#refusedBytes = 0;
      return result;
    } catch (error) {
      if (bringsMessages && error instanceof StorageFull) this.#refusedBytes = newBytes || byteLength;
      this.#groups.forget(transaction);
      throw error;
    }
  }

  async read(request: ReadRequest): Promise<Batch[]> {
    const { streamId, lane } = request;
    for (;;) {
      const rows = await this.#query('read', request);
      const unpacked = unpackAll(rows, unpackRow, ({ first }, why) => ({ streamId, lane, first, why }));
      if ('batches' in unpacked) return unpacked.batches;
      await this.#query('setAside', unpacked.damaged);
    }
  }

  seek(request: SeekRequest): Promise<number | undefined> {
    return this.#query('seek', request);
  }

  front(request: FrontRequest): Promise<number | undefined> {
    return this.#query('front', request);
  }

  async readDelayed(request: ReadDelayedRequest): Promise<DelayedPage> {
    for (;;) {
      const { due, ...next } = await this.#query('readDelayed', request);
      const unpacked = unpackAll(due, unpackDelayed, damagedDelayed);
      if ('batches' in unpacked) return { due: unpacked.batches, ...next };
      await this.#query('setAside', unpacked.damaged);
    }
  }

  async listDelayed(request: ListDelayedRequest): Promise<StoredDelayed[]> {
    for (;;) {
      const unpacked = unpackAll(await this.#query('listDelayed', request), unpackDelayed, damagedDelayed);
      if ('batches' in unpacked) return unpacked.batches;
      await this.#query('setAside', unpacked.damaged);
    }
  }

  async readFailures(request: ReadFailuresRequest): Promise<StoredFailure[]> {
    return [...(await this.#query('readFailures', request))];
  }

  readonly backups: StoreBackups = {
    begin: (pieceBytes) => this.#query('beginBackup', { pieceBytes }),
    read: (): Promise<BackupPiece> => this.#query('readBackup', {}),
    end: () => this.#query('endBackup', {}),
  };

  health(): StoreHealth {
    const [oldest] = this.#waiting.values();
    const waiting = oldest && this.#activity.of(oldest.request);
    if (this.#refusedBytes > 0 && waiting === undefined) void this.#askForRoom();
    return { isFull: this.#refusedBytes > 0, ...(waiting && { waiting }) };
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    try {
      if (this.#failure === undefined) await this.#ask<'closed'>({ type: 'close', id: this.#nextId++ });
    } finally {
      await this.abandon();
    }
  }

  /** Ends the thread as it is. */
  async abandon(): Promise<void> {
    this.#thread.port.close();
    await this.#thread.worker.terminate();
  }

  #encode(transaction: StoreTransaction): CommitRecord {
    try {
      return encodeCommit(transaction, this.#groups);
    } catch (error) {
      this.#groups.forget(transaction);
      throw error;
    }
  }

  /** Room may come without anybody publishing: others free some of the disk, or messages are acked. */
  async #askForRoom(): Promise<void> {
    if (this.#isAskingForRoom || this.#isClosed) return;
    this.#isAskingForRoom = true;
    try {
      if (await this.#query('hasRoom', { bytes: this.#refusedBytes })) this.#refusedBytes = 0;
    } catch {
      // A storage that failed tells everybody.
    } finally {
      this.#isAskingForRoom = false;
    }
  }

  async #query<Q extends keyof Queries>(
    type: Q,
    request: Queries[Q]['request'],
  ): Promise<Queries[Q]['answer']> {
    const { answer } = await this.#ask<'answer'>({ type, id: this.#nextId++, request } as QueryRequest);
    return answer as Queries[Q]['answer'];
  }

  #ask<T extends StorageReply['type']>(
    request: StorageRequest,
    transfer: ArrayBuffer[] = [],
  ): Promise<Reply<T>> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#isClosed && request.type !== 'close')
      return Promise.reject(new ServerClosing('the broker is shutting down, and its storage is closed'));
    const { promise, resolve, reject } = Promise.withResolvers<Reply<T>>();
    if (this.#waiting.size === 0) this.#activity.begins();
    this.#waiting.set(request.id, { request, resolve: resolve as (reply: StorageReply) => void, reject });
    this.#thread.port.postMessage(request, transfer);
    Atomics.add(this.#thread.counters, REQUESTS, 1);
    Atomics.notify(this.#thread.counters, REQUESTS);
    return promise;
  }

  /**
   * Looks for the reply for a moment instead of going to sleep. What comes from the network meanwhile would have to
   * wait for this commit anyway.
   */
  #awaitBriefly(seen: Seen): void {
    if (this.#spin.wait(seen)) this.#takeReplies();
  }

  #takeReplies(): void {
    for (;;) {
      const received = receiveMessageOnPort(this.#thread.port);
      if (received === undefined) return;
      this.#answered(received.message as StorageReply);
    }
  }

  #answered(reply: StorageReply): void {
    Atomics.add(this.#thread.counters, REPLIES_TAKEN, 1);
    this.#activity.answers();
    if (reply.type === 'damaged') this.onDamaged(reply.damage);
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

/** The batches of all rows, or which of them are damaged, to be set aside before the rows are read again. */
function unpackAll<Row, T>(
  rows: readonly Row[],
  unpack: (row: Row) => Unpacked<T>,
  named: (row: Row, why: string) => DamagedBatch,
): { readonly batches: T[] } | { readonly damaged: readonly DamagedBatch[] } {
  const batches: T[] = [];
  const damaged: DamagedBatch[] = [];
  for (const row of rows) {
    const unpacked = unpack(row);
    if ('batch' in unpacked) batches.push(unpacked.batch);
    else damaged.push(named(row, unpacked.why));
  }
  return damaged.length === 0 ? { batches } : { damaged };
}

function damagedDelayed({ id }: DelayedRow, why: string): DamagedBatch {
  return { delayedId: id, why };
}

/** Of messages. */
function bytesOf({ batches, delayed }: StoreTransaction): number {
  return [...batches, ...delayed].reduce((sum, { batch }) => sum + batch.bytes, 0);
}

function isEmpty(transaction: StoreTransaction): boolean {
  return Object.values(transaction).every((part: readonly unknown[]) => part.length === 0);
}
