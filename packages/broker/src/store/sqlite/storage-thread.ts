import { statfsSync } from 'node:fs';
import { receiveMessageOnPort, workerData } from 'node:worker_threads';
import { BatchReader } from './batch-reader.ts';
import { Checkpoints } from './checkpoints.ts';
import { openDatabase, PAGE_BYTES } from './database.ts';
import { hasRoom } from './disk-room.ts';
import {
  REPLIES,
  REQUESTS,
  SMALL_COMMIT_BYTES,
  type StorageReply,
  type StorageRequest,
  type StorageThreadData,
} from './messages.ts';
import { readSnapshot } from './snapshot-reader.ts';
import { Spin } from './spin.ts';
import { TransactionWriter } from './transaction-writer.ts';

/** Who awaits one message after the other sends the next within about this time, in ms. */
const NEXT_COMMIT_MS = 0.5;

/**
 * The thread that owns the database: one connection, one request after the other. A reply 'committed' is posted after
 * SQLite's COMMIT has returned, which is after the write-ahead log was synced. The main thread ends it once it has the
 * last reply.
 */
function main({ database, port, counters }: StorageThreadData): void {
  const reply: Reply = (message, transfer = []) => {
    port.postMessage(message, transfer);
    Atomics.add(counters, REPLIES, 1);
  };
  // Open for as long as the thread is to live: what was posted on a closed port may not arrive.
  port.ref();
  let handle: (request: StorageRequest) => void;
  try {
    handle = serve(database, reply);
  } catch (error) {
    reply({ type: 'refused', message: (error as Error).message });
    return;
  }
  const spin = new Spin(NEXT_COMMIT_MS);
  port.on('message', (first: StorageRequest) => {
    let request: StorageRequest | undefined = first;
    while (request !== undefined) {
      const seen = Atomics.load(counters, REQUESTS);
      const isAwaited = isAwaitedCommit(request);
      answer(request, handle, reply);
      if (!isAwaited) return;
      request = take(port);
      if (request === undefined && spin.wait(counters, REQUESTS, seen)) request = take(port);
    }
  });
}

type Reply = (message: StorageReply, transfer?: ArrayBuffer[]) => void;

function take(port: StorageThreadData['port']): StorageRequest | undefined {
  return receiveMessageOnPort(port)?.message as StorageRequest | undefined;
}

function isAwaitedCommit(request: StorageRequest): boolean {
  if (request.type !== 'commit') return false;
  const { data, places } = request.commit;
  return places.length > 0 && data.byteLength <= SMALL_COMMIT_BYTES;
}

function answer(request: StorageRequest, handle: (request: StorageRequest) => void, reply: Reply): void {
  try {
    handle(request);
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    const type = code === 'SQLITE_FULL' ? 'full' : 'failed';
    reply({ type, id: request.id, message: code === undefined ? message : `${message} (${code})` });
  }
}

/** What fails here fails the thread: the request has its answer already. */
function afterReply(work: () => void): void {
  try {
    work();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

function serve(options: StorageThreadData['database'], reply: Reply): (request: StorageRequest) => void {
  const database = openDatabase(options);
  const snapshot = readSnapshot(database);
  const writer = new TransactionWriter(database);
  const reader = new BatchReader(database);
  const checkpoints = new Checkpoints(database);
  const freelistBytes = () => (database.pragma('freelist_count', { simple: true }) as number) * PAGE_BYTES;
  reply({ type: 'opened', snapshot });
  return (request) => {
    switch (request.type) {
      case 'commit': {
        const { byteLength } = request.commit.data;
        if (byteLength > 0 && !hasRoom(statfsSync(options.folder), byteLength, freelistBytes)) {
          reply({ type: 'full', id: request.id, message: `the disk of '${options.folder}' is full` });
          break;
        }
        const written = writer.apply(request.commit);
        reply({ type: 'committed', id: request.id, removed: written.removed });
        afterReply(() => checkpoints.committed(written));
        break;
      }
      case 'read': {
        const rows = reader.read(request.streamId, request.from, request.bytesMax);
        const buffers = rows.map(({ data }) => data.buffer);
        reply({ type: 'rows', id: request.id, rows }, buffers);
        break;
      }
      case 'close':
        checkpoints.stop();
        database.close();
        reply({ type: 'closed', id: request.id });
    }
  };
}

main(workerData as StorageThreadData);
