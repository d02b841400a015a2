import { receiveMessageOnPort, workerData } from 'node:worker_threads';
import { BackupSource } from './backup-source.ts';
import { BatchReader } from './batch-reader.ts';
import { Checkpoints } from './checkpoints.ts';
import { DelayedReader } from './delayed-reader.ts';
import { Failures } from './failures.ts';
import { FrontFinder } from './front-finder.ts';
import { isFull, JournaledDatabase } from './journaled-database.ts';
import {
  A_REQUEST,
  type CommitMessage,
  isAwaited,
  type QueryRequest,
  REPLIES,
  REQUESTS,
  REQUESTS_TAKEN,
  type StorageReply,
  type StorageRequest,
  type StorageThreadData,
  TAKEN_MS,
} from './messages.ts';
import { Room } from './room.ts';
import { readSnapshot } from './snapshot-reader.ts';
import { Spin } from './spin.ts';
import { Upkeep } from './upkeep.ts';

/** For so long the thread waits for the next request where it is woken soonest; in ms. */
const DOZE_MS = 50;
/** Who awaits one message after the other sends the next within about this time, in ms. */
const NEXT_COMMIT_MS = 0.25;

/**
 * The thread that owns the journal and the database: one request after the other. A reply 'committed' is posted after
 * the journal was synced. The main thread ends it once it has the last reply.
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
  const spin = new Spin(counters, A_REQUEST, NEXT_COMMIT_MS, TAKEN_MS);
  port.on('message', (first: StorageRequest) => {
    let request: StorageRequest | undefined = first;
    while (request !== undefined) {
      Atomics.add(counters, REQUESTS_TAKEN, 1);
      const seen = spin.see();
      const isFollowed = request.type === 'commit' && isAwaited(request.commit);
      // What fails after the answer fails the thread.
      answer(request, service, reply)?.();
      // Its timers are looked at when there is nothing to do; what comes then brings the thread back here.
      if (request.type === 'close' || service.isUpkeepDue()) return;
      request = take(port);
      if (request !== undefined) continue;
      const isThere = isFollowed && spin.wait(seen);
      if (isThere || Atomics.wait(counters, REQUESTS, seen.done, DOZE_MS) !== 'timed-out')
        request = take(port);
    }
  });
}

type Reply = (message: StorageReply, transfer?: ArrayBuffer[]) => void;

function take(port: StorageThreadData['port']): StorageRequest | undefined {
  return receiveMessageOnPort(port)?.message as StorageRequest | undefined;
}

/** @returns what is to be done once the answer is on its way */
function answer(request: StorageRequest, { handle }: Service, reply: Reply): AfterReply | undefined {
  try {
    return handle(request);
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    const type = isFull(error) ? 'full' : 'failed';
    reply({ type, id: request.id, message: code === undefined ? message : `${message} (${code})` });
    return undefined;
  }
}

type AfterReply = () => void;

interface Service {
  handle(request: StorageRequest): AfterReply | undefined;
  isUpkeepDue(): boolean;
}

function serve(options: StorageThreadData['database'], reply: Reply): Service {
  const storage = new JournaledDatabase(options);
  const snapshot = readSnapshot(storage.database);
  const room = new Room(options, storage);
  const checkpoints = new Checkpoints(storage);
  const upkeep = new Upkeep(storage, checkpoints);
  const backup = new BackupSource(storage);
  const query = answerQueries({ storage, room, backup }, reply);
  const commit = (id: number, { record, bringsMessages }: CommitMessage): AfterReply => {
    const { byteLength } = record.bytes;
    if (bringsMessages) room.check(byteLength);
    const { removed, hasDoomed } = storage.commit(record);
    reply({ type: 'committed', id, removed });
    upkeep.committed(hasDoomed);
    return () => checkpoints.committed(byteLength);
  };
  const close = (id: number): void => {
    checkpoints.stop();
    upkeep.stop();
    storage.close();
    backup.close();
    reply({ type: 'closed', id });
  };
  reply({ type: 'opened', snapshot });
  const handle = (request: StorageRequest): AfterReply | undefined => {
    if (request.type === 'commit') return commit(request.id, request.commit);
    if (request.type === 'close') close(request.id);
    else query(request);
    return undefined;
  };
  return { handle, isUpkeepDue: () => upkeep.isDue };
}

interface Asked {
  readonly storage: JournaledDatabase;
  readonly room: Room;
  readonly backup: BackupSource;
}

/** Batches are handed over with their answer, and not copied. */
function answerQueries({ storage, room, backup }: Asked, reply: Reply): (request: QueryRequest) => void {
  const { database, journal } = storage;
  const batches = new BatchReader(database, journal);
  const front = new FrontFinder(database);
  const delayed = new DelayedReader(database);
  const failures = new Failures(database);
  return ({ id, ...query }) => {
    const answer = (
      value: unknown,
      rows: readonly { readonly data: Uint8Array<ArrayBuffer> }[] = [],
    ): void => {
      const memory = new Set(rows.map(({ data }) => data.buffer));
      reply({ type: 'answer', id, answer: value }, [...memory]);
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
      case 'hasRoom':
        return answer(room.isThere(query.request.bytes));
      case 'beginBackup':
        return answer(backup.begin(query.request.pieceBytes));
      case 'readBackup': {
        const piece = backup.read();
        return answer(piece, [piece]);
      }
      case 'endBackup':
        return answer(backup.end());
    }
  };
}

main(workerData as StorageThreadData);
