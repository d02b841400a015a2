import { BackupSource } from './backup-source.ts';
import { BatchReader } from './batch-reader.ts';
import { Checkpoints } from './checkpoints.ts';
import { readable } from './damage-error.ts';
import type { DamagedBatch } from './damaged-batches.ts';
import { DamagedRows } from './damaged-rows.ts';
import { DelayedReader } from './delayed-reader.ts';
import { FrontFinder } from './front-finder.ts';
import { isFull, JournaledDatabase } from './journaled-database.ts';
import type {
  CommitMessage,
  QueryRequest,
  StorageReply,
  StorageRequest,
  StorageThreadData,
} from './messages.ts';
import { Room } from './room.ts';
import { readSnapshot } from './snapshot-reader.ts';
import { Upkeep } from './upkeep.ts';

export type Reply = (message: StorageReply, transfer?: ArrayBuffer[]) => void;
/** What fails in it is for the caller to see. */
export type AfterReply = () => void;

export interface StorageService {
  /** @returns what is to be done once the answer is on its way */
  answer(request: StorageRequest): AfterReply | undefined;
  isUpkeepDue(): boolean;
  /** Lets go of all files as they are. */
  abandon(): void;
}

/** Opens a data folder, and says so or why not. */
export function openService(
  options: StorageThreadData['database'],
  reply: Reply,
): StorageService | undefined {
  try {
    const storage = new JournaledDatabase(options);
    try {
      const { handle, ...service } = serve(options, storage, reply);
      return { answer: (request) => answer(request, handle, reply, options.folder), ...service };
    } catch (error) {
      storage.abandon();
      throw error;
    }
  } catch (error) {
    reply({ type: 'refused', message: readable(error, options.folder).message });
    return undefined;
  }
}

type Handle = (request: StorageRequest) => AfterReply | undefined;

function answer(
  request: StorageRequest,
  handle: Handle,
  reply: Reply,
  folder: string,
): AfterReply | undefined {
  try {
    return handle(request);
  } catch (cause) {
    const error = readable(cause, folder);
    const { code, message } = error as { code?: string; message: string };
    const type = isFull(error) ? 'full' : 'failed';
    reply({ type, id: request.id, message: code === undefined ? message : `${message} (${code})` });
    return undefined;
  }
}

function serve(
  options: StorageThreadData['database'],
  storage: JournaledDatabase,
  reply: Reply,
): Omit<StorageService, 'answer'> & { readonly handle: Handle } {
  const { tornEnd } = storage;
  const snapshot = { ...readSnapshot(storage.database), ...(tornEnd !== undefined && { tornEnd }) };
  const room = new Room(options, storage);
  const checkpoints = new Checkpoints(storage);
  const upkeep = new Upkeep(storage, checkpoints);
  const backup = new BackupSource(storage, () => {
    upkeep.wake();
    checkpoints.wake();
  });
  const query = answerQueries({ storage, room, backup }, reply);
  const commit = (id: number, { record, bringsMessages, newBytes }: CommitMessage): AfterReply => {
    const { byteLength } = record.bytes;
    if (bringsMessages) room.check(newBytes, byteLength - newBytes);
    const { removed, hasDoomed } = storage.commit(record);
    reply({ type: 'committed', id, removed });
    upkeep.committed(hasDoomed);
    return () => checkpoints.committed(byteLength);
  };
  const stop = (): void => {
    checkpoints.stop();
    upkeep.stop();
  };
  const close = (id: number): void => {
    stop();
    storage.close();
    backup.close();
    reply({ type: 'closed', id });
  };
  reply({ type: 'opened', snapshot, damage: storage.damageAtStart });
  const handle = (request: StorageRequest): AfterReply | undefined => {
    if (request.type === 'commit') return commit(request.id, request.commit);
    if (request.type === 'close') close(request.id);
    else query(request);
    return undefined;
  };
  const abandon = (): void => {
    stop();
    storage.abandon();
    backup.close();
  };
  return { handle, isUpkeepDue: () => upkeep.isDue, abandon };
}

/** A question without an answer would be waited for for ever: one that is added and forgotten here does not compile. */
function unanswered(query: never): never {
  throw new Error(`the storage has no answer to ${JSON.stringify(query)}`);
}

interface Asked {
  readonly storage: JournaledDatabase;
  readonly room: Room;
  readonly backup: BackupSource;
}

/** Batches are handed over with their answer, and not copied. */
function answerQueries({ storage, room, backup }: Asked, reply: Reply): (request: QueryRequest) => void {
  const { database, journal, failures } = storage;
  const batches = new BatchReader(database, journal);
  const front = new FrontFinder(database);
  const delayed = new DelayedReader(database);
  const setAside = (rows: readonly DamagedBatch[]): void => {
    const damage = storage.setAside(rows);
    if (damage.length > 0) reply({ type: 'damaged', damage });
  };
  /** Each time that damage is met there is less of it. */
  const withoutDamage = <T>(read: () => T): T => {
    for (;;) {
      try {
        return read();
      } catch (error) {
        if (!(error instanceof DamagedRows)) throw error;
        setAside(error.rows);
      }
    }
  };
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
        const rows = withoutDamage(() => batches.read(query.request));
        return answer(rows, rows);
      }
      case 'seek':
        return answer(withoutDamage(() => batches.seek(query.request)));
      case 'front':
        return answer(withoutDamage(() => front.find(query.request)));
      case 'readDelayed': {
        const page = withoutDamage(() => delayed.readDue(query.request));
        return answer(page, page.due);
      }
      case 'listDelayed': {
        const rows = withoutDamage(() => delayed.list(query.request));
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
      case 'setAside':
        setAside(query.request);
        return answer(undefined);
      default:
        return unanswered(query);
    }
  };
}
