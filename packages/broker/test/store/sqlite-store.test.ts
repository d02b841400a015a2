import { copyFileSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@simplemq/testkit';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { openDatabase } from '../../src/store/sqlite/database.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import type { Store, StoreTransaction } from '../../src/store/store.ts';
import type { Batch } from '../../src/stream/batch.ts';
import { bodiesOf, placedBatch } from '../batches.ts';

const NOTHING: StoreTransaction = {
  deletedStreams: [],
  createdStreams: [],
  batches: [],
  streams: [],
  groups: [],
  windows: [],
  droppedWindows: [],
  removals: [],
  producers: [],
  forgottenProducers: [],
};
const STREAM = {
  id: 1,
  name: 'orders',
  options: { storage: 'file', retention: 'work' },
  createdAt: 1_700_000_000_123,
  nextSequence: 1,
  messages: 0,
  bytes: 0,
};

describe('the SQLite store', () => {
  test('has after a restart all that was committed', async () => {
    await using folder = await temporaryFolder();
    const batches = [placedBatch(1, 'a', 'bb'), placedBatch(3, 'c'), placedBatch(4, '', 'd'.repeat(100_000))];
    const group = { id: 7, streamId: 1, name: 'workers', createdAt: 5, ackFloor: 1, readPosition: 4 };
    const producer = { id: '00ff'.repeat(8), usedAt: 9, receipts: '[[1,{"streams":[]}]]' };
    const state = Buffer.from([1, 2, 3]);
    await withStore(await openSqliteStore({ folder: folder.path }), async (store) => {
      await store.commit({
        ...NOTHING,
        createdStreams: [STREAM],
        batches: batches.map((batch) => ({ streamId: 1, batch })),
        streams: [{ id: 1, nextSequence: 6, messages: 5 }],
        groups: [group],
        windows: [{ groupId: 7, window: 0, state }],
        producers: [producer],
      });
      // The same again, as it changes.
      await store.commit({
        ...NOTHING,
        groups: [{ ...group, ackFloor: 2 }],
        windows: [{ groupId: 7, window: 1, state }],
        droppedWindows: [{ groupId: 7, window: 0 }],
      });
    });
    await withStore(await openSqliteStore({ folder: folder.path }), async (store) => {
      const snapshot = await store.load();
      const bytes = batches.reduce((sum, batch) => sum + batch.bytes, 0);
      expect(snapshot.streams).toEqual([{ ...STREAM, nextSequence: 6, messages: 5, bytes }]);
      expect(snapshot.groups).toEqual([{ ...group, ackFloor: 2 }]);
      expect(snapshot.windows).toMatchObject([{ groupId: 7, window: 1 }]);
      expect(Buffer.from(snapshot.windows[0]!.state)).toEqual(state);
      expect(snapshot.producers).toEqual([producer]);
      const read = await store.read({ streamId: 1, from: 1, bytesMax: 1_000_000 });
      expect(read.map(plain)).toEqual(batches.map(plain));
    });
  });

  test('reads from the batch that holds a number, or the first after it, until the bytes are reached', async () => {
    await using folder = await temporaryFolder();
    await withStore(await openSqliteStore({ folder: folder.path }), async (store) => {
      const batches = [placedBatch(1, 'a', 'b', 'c'), placedBatch(10, 'd', 'e'), placedBatch(12, 'f')];
      await commitBatches(store, batches);
      const firsts = async (from: number, bytesMax: number) =>
        (await store.read({ streamId: 1, from, bytesMax })).map(({ first }) => first);
      expect(await firsts(1, 1_000)).toEqual([1, 10, 12]);
      expect(await firsts(3, 1_000)).toEqual([1, 10, 12]);
      expect(await firsts(4, 1_000)).toEqual([10, 12]);
      expect(await firsts(11, 1)).toEqual([10]);
      expect(await firsts(13, 1_000)).toEqual([]);
      expect(await store.read({ streamId: 2, from: 1, bytesMax: 1_000 })).toEqual([]);
    });
  });

  test('removes the batches that lie wholly within a range, and tells their bytes', async () => {
    await using folder = await temporaryFolder();
    await withStore(await openSqliteStore({ folder: folder.path }), async (store) => {
      const batches = [1, 4, 7, 10].map((first) => placedBatch(first, 'x', 'y', 'z'));
      await commitBatches(store, batches);
      const { removed } = await store.commit({ ...NOTHING, removals: [{ streamId: 1, first: 2, last: 11 }] });
      expect(removed).toEqual([{ streamId: 1, bytes: batches[1]!.bytes + batches[2]!.bytes }]);
      const left = await store.read({ streamId: 1, from: 1, bytesMax: 1_000 });
      expect(left.map(({ first }) => first)).toEqual([1, 10]);
    });
  });

  test('applies a transaction whole or not at all', async () => {
    await using folder = await temporaryFolder();
    await withStore(await openSqliteStore({ folder: folder.path }), async (store) => {
      await commitBatches(store, [placedBatch(1, 'a')]);
      const twice = store.commit({
        ...NOTHING,
        batches: [
          { streamId: 1, batch: placedBatch(2, 'b') },
          { streamId: 1, batch: placedBatch(1, 'again') },
        ],
      });
      await expect(twice).rejects.toMatchObject({ code: 'StorageFailed' });
      const left = await store.read({ streamId: 1, from: 1, bytesMax: 1_000 });
      expect(left.map(plain)).toEqual([plain(placedBatch(1, 'a'))]);
    });
  });

  test('leaves nothing of a stream that is deleted, whose name may be used in the same transaction', async () => {
    await using folder = await temporaryFolder();
    await withStore(await openSqliteStore({ folder: folder.path }), async (store) => {
      await commitBatches(store, [placedBatch(1, 'a')]);
      const group = { id: 7, streamId: 1, name: 'workers', createdAt: 5, ackFloor: 1, readPosition: 4 };
      await store.commit({
        ...NOTHING,
        groups: [group],
        windows: [{ groupId: 7, window: 0, state: Buffer.from([1]) }],
      });
      await store.commit({ ...NOTHING, deletedStreams: [1], createdStreams: [{ ...STREAM, id: 2 }] });
    });
    const database = new Database(join(folder.path, 'simplemq.db'));
    const rows = (table: string) => database.prepare(`SELECT count(*) FROM ${table}`).pluck().get();
    expect(['batches', 'groups', 'positions', 'windows', 'streams'].map(rows)).toEqual([0, 0, 0, 0, 1]);
    database.close();
  });

  test('commits to a write-ahead log that is synced, also in a database that is there already', async () => {
    await using folder = await temporaryFolder();
    for (let open = 0; open < 2; open++) {
      const database = openDatabase({ folder: folder.path });
      const pragma = (name: string) => database.pragma(name, { simple: true });
      expect(pragma('journal_mode')).toBe('wal');
      expect(pragma('synchronous')).toBe(2);
      expect(pragma('wal_autocheckpoint')).toBe(0);
      expect(pragma('locking_mode')).toBe('exclusive');
      database.close();
    }
  });

  test('says which batch is damaged', async () => {
    await using folder = await temporaryFolder();
    const text = 'this text is to be found in the file and changed';
    await withStore(await openSqliteStore({ folder: folder.path }), (store) =>
      commitBatches(store, [placedBatch(1, 'whole'), placedBatch(2, text)]),
    );
    const file = join(folder.path, 'simplemq.db');
    const bytes = readFileSync(file);
    const at = bytes.indexOf(text);
    expect(at).toBeGreaterThan(0);
    bytes[at + 10]! ^= 0x01;
    writeFileSync(file, bytes);
    await withStore(await openSqliteStore({ folder: folder.path }), async (store) => {
      await expect(store.read({ streamId: 1, from: 1, bytesMax: 1_000 })).rejects.toMatchObject({
        code: 'StorageFailed',
        message: expect.stringMatching(/^the batch at 2 of stream 1 is damaged/),
      });
    });
  });

  test('has each commit in its files as soon as it is answered', async () => {
    await using folder = await temporaryFolder();
    await using copy = await temporaryFolder();
    await withStore(await openSqliteStore({ folder: folder.path }), async (store) => {
      await commitBatches(store, [placedBatch(1, 'a'), placedBatch(2, 'b')]);
      for (const file of ['simplemq.db', 'simplemq.db-wal']) {
        if (existsSync(join(folder.path, file))) copyFileSync(join(folder.path, file), join(copy.path, file));
      }
    });
    await withStore(await openSqliteStore({ folder: copy.path }), async (store) => {
      expect(await store.read({ streamId: 1, from: 1, bytesMax: 1_000 })).toHaveLength(2);
    });
  });

  test('uses the room of what was removed again, and leaves only the database when it is closed', async () => {
    await using folder = await temporaryFolder();
    await withStore(await openSqliteStore({ folder: folder.path }), async (store) => {
      await commitBatches(store, []);
      for (let round = 0; round < 100; round++) {
        const first = round + 1;
        const batch = placedBatch(first, 'x'.repeat(100_000));
        await store.commit({
          ...NOTHING,
          batches: [{ streamId: 1, batch }],
          removals: [{ streamId: 1, first: 1, last: round }],
        });
      }
    });
    expect(readdirSync(folder.path)).toEqual(['simplemq.db']);
    expect(statSync(join(folder.path, 'simplemq.db')).size).toBeLessThan(1_000_000);
  });
});

async function commitBatches(store: Store, batches: readonly Batch[]): Promise<void> {
  await store.commit({
    ...NOTHING,
    createdStreams: [STREAM],
    batches: batches.map((batch) => ({ streamId: 1, batch })),
  });
}

async function withStore(store: Store, act: (store: Store) => Promise<void>): Promise<void> {
  try {
    await act(store);
  } finally {
    await store.close();
  }
}

function plain(batch: Batch): object {
  const { first, count, time, flags, shared } = batch;
  return { first, count, time, flags, shared: shared.toString('hex'), bodies: bodiesOf(batch) };
}
