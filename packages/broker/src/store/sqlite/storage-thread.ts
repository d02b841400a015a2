import { statfsSync } from 'node:fs';
import { receiveMessageOnPort, workerData } from 'node:worker_threads';
import type { Database } from 'better-sqlite3';
import { BatchReader } from './batch-reader.ts';
import { Checkpoints } from './checkpoints.ts';
import { openDatabase, PAGE_BYTES } from './database.ts';
import { DelayedReader } from './delayed-reader.ts';
import { hasRoom } from './disk-room.ts';
import { DoomedRows } from './doomed-rows.ts';
import { Failures } from './failures.ts';
import { FreeSpace } from './free-space.ts';
import { FrontFinder } from './front-finder.ts';
import {
  bringsMessages,
  type CommitMessage,
  isAwaited,
  type QueryRequest,
  REPLIES,
  REQUESTS,
  type StorageReply,
  type StorageRequest,
  type StorageThreadData,
} from './messages.ts';
import { readSnapshot } from './snapshot-reader.ts';
import { Spin } from './spin.ts';
import { TransactionWriter } from './transaction-writer.ts';
import { Upkeep } from './upkeep.ts';

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
  let service: Service;
  try {
    service = serve(database, reply);
  } catch (error) {
    reply({ type: 'refused', message: (error as Error).message });
    return;
  }
  const spin = new Spin(NEXT_COMMIT_MS);
  port.on('message', (first: StorageRequest) => {
    let request: StorageRequest | undefined = first;
    while (request !== undefined) {
      const seen = Atomics.load(counters, REQUESTS);
      const isFollowed = request.type === 'commit' && isAwaited(request.commit);
      answer(request, service, reply);
      // What comes next brings the thread back here, after its timers.
      if (!isFollowed || service.isUpkeepDue()) return;
      request = take(port);
      if (request === undefined && spin.wait(counters, REQUESTS, seen)) request = take(port);
    }
  });
}

type Reply = (message: StorageReply, transfer?: ArrayBuffer[]) => void;

function take(port: StorageThreadData['port']): StorageRequest | undefined {
  return receiveMessageOnPort(port)?.message as StorageRequest | undefined;
}

function answer(request: StorageRequest, { handle }: Service, reply: Reply): void {
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

interface Service {
  handle(request: StorageRequest): void;
  isUpkeepDue(): boolean;
}

function serve(options: StorageThreadData['database'], reply: Reply): Service {
  const database = openDatabase(options);
  const snapshot = readSnapshot(database);
  const doomed = new DoomedRows(database);
  const writer = new TransactionWriter(database, doomed);
  const checkpoints = new Checkpoints(database);
  const upkeep = new Upkeep(doomed, new FreeSpace(database, checkpoints), checkpoints);
  const query = answerQueries(database, reply);
  const freelistBytes = () => (database.pragma('freelist_count', { simple: true }) as number) * PAGE_BYTES;
  const commit = (id: number, message: CommitMessage): void => {
    const { byteLength } = message.data;
    if (bringsMessages(message) && !hasRoom(statfsSync(options.folder), byteLength, freelistBytes)) {
      reply({ type: 'full', id, message: `the disk of '${options.folder}' is full` });
      return;
    }
    const written = writer.apply(message);
    reply({ type: 'committed', id, removed: written.removed });
    afterReply(() => checkpoints.committed(written));
    upkeep.committed(message.deletedStreams !== undefined || message.deletedGroups !== undefined);
  };
  const close = (id: number): void => {
    checkpoints.stop();
    upkeep.stop();
    database.close();
    reply({ type: 'closed', id });
  };
  reply({ type: 'opened', snapshot });
  const handle = (request: StorageRequest): void => {
    if (request.type === 'commit') commit(request.id, request.commit);
    else if (request.type === 'close') close(request.id);
    else query(request);
  };
  return { handle, isUpkeepDue: () => upkeep.isDue };
}

/** Batches are handed over with their answer, and not copied. */
function answerQueries(database: Database, reply: Reply): (request: QueryRequest) => void {
  const batches = new BatchReader(database);
  const front = new FrontFinder(database);
  const delayed = new DelayedReader(database);
  const failures = new Failures(database);
  return ({ id, ...query }) => {
    const answer = (
      value: unknown,
      rows: readonly { readonly data: Uint8Array<ArrayBuffer> }[] = [],
    ): void => {
      reply(
        { type: 'answer', id, answer: value },
        rows.map(({ data }) => data.buffer),
      );
    };
    switch (query.type) {
      case 'read': {
        const rows = batches.read(query.request);
        return answer(rows, rows);
      }
      case 'seek':
        return answer(batches.seek(query.request));
      case 'front':
        return answer(front.find(query.request));
      case 'readDelayed': {
        const page = delayed.readDue(query.request);
        return answer(page, page.due);
      }
      case 'listDelayed': {
        const rows = delayed.list(query.request);
        return answer(rows, rows);
      }
      case 'readFailures':
        return answer(failures.read(query.request));
    }
  };
}

main(workerData as StorageThreadData);
