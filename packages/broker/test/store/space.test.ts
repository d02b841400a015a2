import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { temporaryFolder } from '@simplemq/testkit';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { SEGMENT_BYTES } from '../../src/store/journal/journal.ts';
import { LOG_FILE_BYTES_MAX } from '../../src/store/sqlite/database.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import type { Store, StoredFailure } from '../../src/store/store.ts';
import { bodiesOf, placedBatch } from '../batches.ts';
import { inLane, NOTHING, newStream, withStore } from './transactions.ts';
import { makeVersion1 } from './version-1.ts';

const MIB = 1024 * 1024;
const BODY = 'x'.repeat(64 * 1024);

describe('space on disk', () => {
  test('is given back once most of what was stored is removed, and what is left can be read', async () => {
    await using folder = await temporaryFolder();
    await withStore(await openSqliteStore({ folder: folder.path }), async (store) => {
      await store.commit({ ...NOTHING, createdStreams: [newStream(1)] });
      await fill(store, 1, 2_400);
      expect(sizeOf(folder.path)).toBeGreaterThan(150 * MIB);
      await store.commit({ ...NOTHING, removals: [{ streamId: 1, lane: 0, first: 11, last: 2_390 }] });
      await becomes(() => sizeOf(folder.path) < 2 * SEGMENT_BYTES + 8 * MIB);
      const left = await store.read({ streamId: 1, lane: 0, from: 1, bytesMax: 100 * MIB });
      expect(left.map(({ first }) => first)).toEqual([...numbers(1, 10), ...numbers(2_391, 2_400)]);
      expect(left.every((batch) => bodiesOf(batch)[0] === BODY)).toBe(true);
      // It goes on as before.
      await fill(store, 2_401, 2_410);
      expect(await store.read({ streamId: 1, lane: 0, from: 2_401, bytesMax: 100 * MIB })).toHaveLength(10);
    });
  });

  test('is kept while there is little of it', async () => {
    await using folder = await temporaryFolder();
    await withStore(await openSqliteStore({ folder: folder.path }), async (store) => {
      await store.commit({ ...NOTHING, createdStreams: [newStream(1)] });
      await fill(store, 1, 200);
      await store.commit({ ...NOTHING, removals: [{ streamId: 1, lane: 0, first: 1, last: 199 }] });
      await wait(1_500);
      expect(sizeOf(folder.path)).toBeGreaterThan(12 * MIB);
    });
  });

  test('is given back to the log of the database too, after a commit that made it long', async () => {
    await using folder = await temporaryFolder();
    await withStore(await openSqliteStore({ folder: folder.path }), async (store) => {
      await store.commit({ ...NOTHING, createdStreams: [newStream(1)] });
      const batch = placedBatch(0, BODY);
      const delayed = numbers(1, 640).map((id) => {
        return { id, streamId: 1, lane: 0, isSteady: true, dueAt: 1e9, batch };
      });
      await store.commit({ ...NOTHING, delayed });
      await becomes(() => logSizeOf(folder.path) > LOG_FILE_BYTES_MAX);
      await becomes(() => logSizeOf(folder.path) === 0);
    });
  });

  test('is used again while streams come and go, and all of it given back when nothing is left', async () => {
    await using folder = await temporaryFolder();
    await withStore(await openSqliteStore({ folder: folder.path }), async (store) => {
      await store.commit({ ...NOTHING, createdStreams: [newStream(1), newStream(2)] });
      // One that stays, in the first segment and in each of the others.
      const stays = (number: number) => inLane(2, 0, [placedBatch(number, `stays ${number}`)]);
      const body = 'x'.repeat(MIB);
      for (let number = 1; number <= 600; number++) {
        const batches = [...inLane(1, 0, [placedBatch(number, body)]), ...stays(number)];
        await store.commit({
          ...NOTHING,
          batches,
          removals: [{ streamId: 1, lane: 0, first: 1, last: number - 1 }],
        });
      }
      await becomes(() => sizeOf(folder.path) < 4 * SEGMENT_BYTES);
      const left = await store.read({ streamId: 2, lane: 0, from: 1, bytesMax: 100 * MIB });
      expect(left.map((batch) => bodiesOf(batch)[0])).toEqual(
        numbers(1, 600).map((number) => `stays ${number}`),
      );
      const all = [1, 2].map((streamId) => ({ streamId, lane: 0, first: 1, last: 600 }));
      await store.commit({ ...NOTHING, removals: all });
      // The segment that is written to may have less than 1 MiB.
      await becomes(() => sizeOf(folder.path) < 2 * MIB);
    });
  });

  test('is given back too when a file that was used before has only little that is new', async () => {
    await using folder = await temporaryFolder();
    await withStore(await openSqliteStore({ folder: folder.path }), async (store) => {
      await store.commit({ ...NOTHING, createdStreams: [newStream(1)] });
      const body = 'x'.repeat(0.9 * MIB);
      for (let number = 1; isShorterThan(folder.path, 3); number++) {
        const removals = [{ streamId: 1, lane: 0, first: 1, last: number }];
        await store.commit({ ...NOTHING, batches: inLane(1, 0, [placedBatch(number, body)]) });
        await store.commit({ ...NOTHING, removals });
      }
      await becomes(() => sizeOf(folder.path) < 2 * MIB);
    });
  });

  test('is given back when a backup that kept it has ended, though nothing is stored any more', async () => {
    await using folder = await temporaryFolder();
    await withStore(await openSqliteStore({ folder: folder.path }), async (store) => {
      await store.commit({ ...NOTHING, createdStreams: [newStream(1)] });
      await fill(store, 1, 64);
      await store.backups!.begin(MIB);
      await store.commit({ ...NOTHING, removals: [{ streamId: 1, lane: 0, first: 1, last: 64 }] });
      // Until it was looked for the last time what there is to be given back.
      await wait(1_200);
      expect(sizeOf(folder.path)).toBeGreaterThan(4 * MIB);
      await store.backups!.end();
      await becomes(() => sizeOf(folder.path) < MIB);
    });
  });

  test('is given back by a database of version 1 as well', async () => {
    await using folder = await temporaryFolder();
    // More than is rewritten at the start.
    makeVersion1(folder.path, (old) =>
      old.exec(
        "INSERT INTO streams VALUES (1, 'orders', '{}', 5, 10000, 9999, 1); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL " +
          'SELECT i + 1 FROM n WHERE i < 700) INSERT INTO batches SELECT 1, 0, i, 1, 65536, 5, zeroblob(65536) FROM n',
      ),
    );
    await withStore(await openSqliteStore({ folder: folder.path }), async (store) => {
      expect(sizeOf(folder.path)).toBeGreaterThan(40 * MIB);
      await store.commit({ ...NOTHING, removals: [{ streamId: 1, lane: 0, first: 1, last: 700 }] });
      await becomes(() => sizeOf(folder.path) < MIB);
    });
    expect(autoVacuumOf(folder.path)).toBe(2);
  });
});

describe('a stream that is deleted', () => {
  test('leaves nothing, and its name may be used in the same transaction', async () => {
    await using folder = await temporaryFolder();
    await withStore(await openSqliteStore({ folder: folder.path }), async (store) => {
      await fillStream(store);
      await store.commit({
        ...NOTHING,
        deletedStreams: [1],
        createdStreams: [{ ...newStream(2), name: 'stream-1' }],
      });
    });
    await withStore(await openSqliteStore({ folder: folder.path }), async (store) => {
      expect(await store.load()).toMatchObject({
        streams: [{ id: 2, name: 'stream-1' }],
        groups: [],
        windows: [],
        dedup: [],
        delayed: [],
        lastDelayedId: 5,
        failingGroups: [],
      });
      const due = await store.readDelayed({ wallMs: 1_000, steadyMs: 1_000, limit: 10, bytesMax: MIB });
      expect(due.due).toEqual([]);
    });
    await isSwept(folder.path);
    const database = new Database(join(folder.path, 'simplemq.db'));
    const rows = (table: string) => database.prepare(`SELECT count(*) FROM ${table}`).pluck().get();
    const tables = ['batches', 'groups', 'positions', 'windows', 'delayed', 'failures', 'dedup', 'streams'];
    expect(tables.map(rows)).toEqual([0, 0, 0, 0, 0, 0, 0, 1]);
    database.close();
  });

  test('leaves nothing to another that gets its id after a restart', async () => {
    await using folder = await temporaryFolder();
    await withStore(await openSqliteStore({ folder: folder.path }), async (store) => {
      await fillStream(store);
      await store.commit({ ...NOTHING, deletedStreams: [1] });
    });
    await withStore(await openSqliteStore({ folder: folder.path }), async (store) => {
      const group = { id: 7, streamId: 1, name: 'other', createdAt: 6, policy: {}, positions: [] };
      await store.commit({ ...NOTHING, createdStreams: [newStream(1)], groups: [group] });
      expect(await store.read({ streamId: 1, lane: 0, from: 1, bytesMax: MIB })).toEqual([]);
      expect(await store.listDelayed({ streamId: 1, after: 0, limit: 10 })).toEqual([]);
      expect(await store.readFailures({ groupId: 7, first: 1, last: 9 })).toEqual([]);
      await store.commit({ ...NOTHING, batches: inLane(1, 0, [placedBatch(1, 'mine')]) });
    });
    await withStore(await openSqliteStore({ folder: folder.path }), async (store) => {
      const { streams, windows, groups } = await store.load();
      expect(streams).toMatchObject([{ id: 1, bytes: placedBatch(1, 'mine').bytes }]);
      expect(groups).toMatchObject([{ id: 7, name: 'other', positions: [] }]);
      expect(windows).toEqual([]);
    });
  });

  test('with very many rows does not hold up the commits of others', async () => {
    await using folder = await temporaryFolder();
    await withStore(await openSqliteStore({ folder: folder.path }), async (store) => {
      await store.commit({ ...NOTHING, createdStreams: [newStream(1), newStream(2)] });
      for (let start = 0; start < 100_000; start += 20_000) {
        const batches = numbers(start + 1, start + 20_000).map((first) => placedBatch(first, 'x'));
        await store.commit({ ...NOTHING, batches: inLane(1, 0, batches) });
      }
      let slowest = 0;
      let sequence = 0;
      const commitOther = async (deletedStreams: readonly number[]): Promise<void> => {
        const startedAt = performance.now();
        const batches = inLane(2, 0, [placedBatch(++sequence, 'y')]);
        await store.commit({ ...NOTHING, deletedStreams, batches });
        slowest = Math.max(slowest, performance.now() - startedAt);
      };
      await commitOther([1]);
      for (let i = 0; i < 200; i++) {
        await wait(2);
        await commitOther([]);
      }
      // All of it at once would take a second; the limit leaves room for a machine that is busy.
      expect(slowest).toBeLessThan(250);
    });
    await isSwept(folder.path);
  });
});

async function fill(store: Store, first: number, last: number): Promise<void> {
  for (const number of numbers(first, last)) {
    await store.commit({ ...NOTHING, batches: inLane(1, 0, [placedBatch(number, BODY)]) });
  }
}

/** Stream 1 with something in every table. */
async function fillStream(store: Store): Promise<void> {
  const positions = [{ lane: 0, ackFloor: 1, readPosition: 4, ordinal: 3 }];
  const failure: StoredFailure = {
    groupId: 7,
    first: 2,
    last: 3,
    attempt: 1,
    at: 5,
    cause: 'nack',
    error: '',
  };
  await store.commit({
    ...NOTHING,
    createdStreams: [newStream(1)],
    batches: [...inLane(1, 0, [placedBatch(1, 'a')]), ...inLane(1, 1, [placedBatch(2, 'b')])],
    groups: [{ id: 7, streamId: 1, name: 'workers', createdAt: 5, policy: {}, positions }],
    windows: [{ groupId: 7, lane: 0, window: 0, format: 2, state: Buffer.from([1]) }],
    delayed: [{ id: 5, streamId: 1, lane: 0, isSteady: true, dueAt: 9, batch: placedBatch(0, 'later') }],
    failures: [failure],
    dedup: [{ streamId: 1, time: 5, ids: Buffer.from('an id') }],
  });
}

/** Whether the journal has come to fewer than so many segments. */
function isShorterThan(path: string, segments: number): boolean {
  return !existsSync(join(path, `simplemq.journal-${segments}`));
}

/** The steps of a deletion are done; a store that is open does them. */
async function isSwept(path: string): Promise<void> {
  for (let isLeft = true; isLeft; ) {
    await withStore(await openSqliteStore({ folder: path }), () => wait(700));
    const database = new Database(join(path, 'simplemq.db'));
    const count = (table: string) =>
      database.prepare(`SELECT count(*) FROM ${table}`).pluck().get() as number;
    isLeft = count('doomed_streams') + count('doomed_groups') > 0;
    database.close();
  }
}

/** Looks again and again; the time limit of the test ends it. */
async function becomes(condition: () => boolean): Promise<void> {
  while (!condition()) await wait(50);
}

function sizeOf(path: string): number {
  return readdirSync(path).reduce(
    (bytes, name) => bytes + (statSync(join(path, name), { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
}

function logSizeOf(path: string): number {
  const file = join(path, 'simplemq.db-wal');
  return existsSync(file) ? statSync(file).size : 0;
}

function autoVacuumOf(path: string): unknown {
  const database = new Database(join(path, 'simplemq.db'));
  try {
    return database.pragma('auto_vacuum', { simple: true });
  } finally {
    database.close();
  }
}

function numbers(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
