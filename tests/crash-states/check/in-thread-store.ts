import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { EmbeddedEngine } from '../../../packages/broker/src/engine/embedded-engine.ts';
import type { Unpacked } from '../../../packages/broker/src/store/sqlite/batch-rows.ts';
import type { JournaledDatabase } from '../../../packages/broker/src/store/sqlite/journaled-database.ts';
import type { Store } from '../../../packages/broker/src/store/store.ts';

const MIB = 1024 * 1024;
const DAY_MS = 24 * 60 * 60 * 1000;

/** How a store ends: `stop` as a broker that is stopped, `leave` with as little as can be done. */
export type StoreEnd = 'stop' | 'leave';

export interface OpenedBroker {
  readonly engine: EmbeddedEngine;
  readonly storage: JournaledDatabase;
  close(end: StoreEnd): Promise<void>;
}

/** Opens brokers of some sources within this thread: the storage thread's own start takes longer than all the rest. */
export type OpenBroker = (folder: string) => Promise<OpenedBroker>;

/** @param source the sources, a folder like packages/broker/src */
export async function loadBroker(source: string): Promise<OpenBroker> {
  const load = async <Module>(file: string): Promise<Module> =>
    import(pathToFileURL(join(source, file)).href);
  const parts: StoreParts = {
    ...(await load<typeof import('../../../packages/broker/src/store/sqlite/journaled-database.ts')>(
      'store/sqlite/journaled-database.ts',
    )),
    ...(await load<typeof import('../../../packages/broker/src/store/sqlite/snapshot-reader.ts')>(
      'store/sqlite/snapshot-reader.ts',
    )),
    ...(await load<typeof import('../../../packages/broker/src/store/sqlite/batch-reader.ts')>(
      'store/sqlite/batch-reader.ts',
    )),
    ...(await load<typeof import('../../../packages/broker/src/store/sqlite/delayed-reader.ts')>(
      'store/sqlite/delayed-reader.ts',
    )),
    ...(await load<typeof import('../../../packages/broker/src/store/sqlite/front-finder.ts')>(
      'store/sqlite/front-finder.ts',
    )),
    ...(await load<typeof import('../../../packages/broker/src/store/sqlite/failures.ts')>(
      'store/sqlite/failures.ts',
    )),
    ...(await load<typeof import('../../../packages/broker/src/store/sqlite/commit-record.ts')>(
      'store/sqlite/commit-record.ts',
    )),
    ...(await load<typeof import('../../../packages/broker/src/store/sqlite/known-groups.ts')>(
      'store/sqlite/known-groups.ts',
    )),
    ...(await load<typeof import('../../../packages/broker/src/store/sqlite/batch-rows.ts')>(
      'store/sqlite/batch-rows.ts',
    )),
  };
  const { EmbeddedEngine: Engine } =
    await load<typeof import('../../../packages/broker/src/engine/embedded-engine.ts')>(
      'engine/embedded-engine.ts',
    );
  return async (folder) => {
    const storage = new parts.JournaledDatabase({ folder });
    let end: StoreEnd = 'leave';
    const store = storeOn(storage, parts, () => end);
    const engine = await Engine.open({
      store,
      cacheBytesMax: 8 * MIB,
      streamsMax: 100_000,
      producerWindowMs: DAY_MS,
      dedupIdsMax: 1_000_000,
      onEvent: () => {},
    });
    const close = (how: StoreEnd): Promise<void> => {
      end = how;
      return engine.close();
    };
    return { engine, storage, close };
  };
}

type StoreParts = Pick<
  typeof import('../../../packages/broker/src/store/sqlite/journaled-database.ts'),
  'JournaledDatabase'
> &
  Pick<typeof import('../../../packages/broker/src/store/sqlite/snapshot-reader.ts'), 'readSnapshot'> &
  Pick<typeof import('../../../packages/broker/src/store/sqlite/batch-reader.ts'), 'BatchReader'> &
  Pick<typeof import('../../../packages/broker/src/store/sqlite/delayed-reader.ts'), 'DelayedReader'> &
  Pick<typeof import('../../../packages/broker/src/store/sqlite/front-finder.ts'), 'FrontFinder'> &
  Pick<typeof import('../../../packages/broker/src/store/sqlite/failures.ts'), 'Failures'> &
  Pick<typeof import('../../../packages/broker/src/store/sqlite/commit-record.ts'), 'encodeCommit'> &
  Pick<typeof import('../../../packages/broker/src/store/sqlite/known-groups.ts'), 'KnownGroups'> &
  Pick<
    typeof import('../../../packages/broker/src/store/sqlite/batch-rows.ts'),
    'unpackRow' | 'unpackDelayed'
  >;

/** A power cut damages nothing that was synced. */
function whole<T>(unpacked: Unpacked<T>): T {
  if ('why' in unpacked) throw new Error(`what was stored is damaged: ${unpacked.why}`);
  return unpacked.batch;
}

/** What the storage thread and its other side do, in one thread. */
function storeOn(storage: JournaledDatabase, parts: StoreParts, howToEnd: () => StoreEnd): Store {
  const { database, journal } = storage;
  const batches = new parts.BatchReader(database, journal);
  const front = new parts.FrontFinder(database);
  const delayed = new parts.DelayedReader(database);
  const failures = new parts.Failures(database);
  const snapshot = parts.readSnapshot(database);
  const groups = new parts.KnownGroups(snapshot.groups);
  return {
    durability: 'fsync',
    load: async () => snapshot,
    health: () => ({ isFull: false }),
    commit: async (transaction) => {
      const isEmpty = Object.values(transaction).every((part: readonly unknown[]) => part.length === 0);
      return isEmpty ? { removed: [] } : storage.commit(parts.encodeCommit(transaction, groups));
    },
    read: async (request) => batches.read(request).map((row) => whole(parts.unpackRow(row))),
    seek: async (request) => batches.seek(request),
    front: async (request) => front.find(request),
    readDelayed: async (request) => {
      const { due, ...next } = delayed.readDue(request);
      return { due: due.map((row) => whole(parts.unpackDelayed(row))), ...next };
    },
    listDelayed: async (request) => delayed.list(request).map((row) => whole(parts.unpackDelayed(row))),
    readFailures: async (request) => failures.read(request),
    close: async () => {
      if (howToEnd() === 'stop') {
        storage.close();
        return;
      }
      journal.close();
      database.close();
    },
  };
}
