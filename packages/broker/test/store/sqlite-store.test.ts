import { readdirSync } from 'node:fs';
import { copyDataFolder, temporaryFolder } from '@simplemq/testkit';
import { describe, expect, test } from 'vitest';
import { openDatabase } from '../../src/store/sqlite/database.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import type { Store, StoredGroup } from '../../src/store/store.ts';
import { Batch } from '../../src/stream/batch.ts';
import { batchOf, bodiesOf, placedBatch } from '../batches.ts';
import { inLane, NOTHING, newStream, withStore } from './transactions.ts';

const STREAM = newStream(1, 'orders');
const GROUP: StoredGroup = {
  id: 7,
  streamId: 1,
  name: 'workers',
  createdAt: 5,
  policy: { ordering: 'key', retry: { maxDeliveries: 3 } },
  positions: [{ lane: 0, ackFloor: 1, readPosition: 4, ordinal: 3 }],
};

describe('the SQLite store', () => {
  test('refuses a commit that no record of its journal has room for, and goes on', async () => {
    await using folder = await temporaryFolder();
    await withStore(await openSqliteStore({ folder: folder.path }), async (store) => {
      await store.commit({ ...NOTHING, createdStreams: [STREAM] });
      const { records, ...large } = batchOf('x'.repeat(8 * 1024 * 1024));
      // The same memory all over, and its CRC is known.
      const batches = Array.from({ length: 520 }, (_, i) => {
        return new Batch({ ...large, records, first: i + 1, ordinal: i, time: 1_700_000_000_000 });
      });
      const refused = store.commit({ ...NOTHING, batches: inLane(1, 0, batches), groups: [GROUP] });
      await expect(refused).rejects.toMatchObject({ code: 'StorageFull' });
      await store.commit({ ...NOTHING, batches: inLane(1, 0, [placedBatch(1, 'a')]), groups: [GROUP] });
    });
    await withStore(await openSqliteStore({ folder: folder.path }), async (store) => {
      expect(await store.load()).toMatchObject({ groups: [GROUP], streams: [{ id: 1 }] });
      const [batch] = await store.read({ streamId: 1, lane: 0, from: 1, bytesMax: 1 });
      expect(bodiesOf(batch!)).toEqual(['a']);
    });
  });

  test('has after a restart all that was committed', async () => {
    await using folder = await temporaryFolder();
    const batches = [placedBatch(1, 'a', 'bb'), placedBatch(3, 'c'), placedBatch(4, '', 'd'.repeat(100_000))];
    const high = placedBatch(6, 'urgent');
    const producer = { id: '00ff'.repeat(8), usedAt: 9, receipts: '[[1,{"streams":[]}]]' };
    const state = Buffer.from([1, 2, 3]);
    const counters = {
      id: 1,
      nextSequence: 7,
      firstSequence: 1,
      messages: 6,
      lastTime: 1_700_000_000_001,
      lanes: [
        { ordinal: 5, end: 6 },
        { ordinal: 0, end: 1 },
        { ordinal: 1, end: 7 },
      ],
    };
    await withStore(await openSqliteStore({ folder: folder.path }), async (store) => {
      await store.commit({
        ...NOTHING,
        createdStreams: [STREAM],
        batches: [...inLane(1, 0, batches), ...inLane(1, 2, [high])],
        streams: [counters],
        groups: [GROUP],
        windows: [{ groupId: 7, lane: 0, window: 0, format: 2, state }],
        producers: [producer],
        clockOffsetMs: [1.5],
      });
      // The same again, as it changes.
      await store.commit({
        ...NOTHING,
        updatedStreams: [{ id: 1, options: { storage: 'file', maxBytes: 5 } }],
        groups: [{ ...GROUP, positions: [{ lane: 0, ackFloor: 2, readPosition: 4, ordinal: 3 }] }],
        windows: [{ groupId: 7, lane: 0, window: 1, format: 2, state }],
        droppedWindows: [{ groupId: 7, lane: 0, window: 0 }],
      });
    });
    await withStore(await openSqliteStore({ folder: folder.path }), async (store) => {
      const snapshot = await store.load();
      const bytes = [...batches, high].reduce((sum, batch) => sum + batch.bytes, 0);
      const options = { storage: 'file', maxBytes: 5 };
      expect(snapshot.streams).toEqual([{ ...STREAM, ...counters, options, bytes }]);
      expect(snapshot.groups).toEqual([
        { ...GROUP, positions: [{ lane: 0, ackFloor: 2, readPosition: 4, ordinal: 3 }] },
      ]);
      expect(snapshot.windows).toMatchObject([{ groupId: 7, lane: 0, window: 1, format: 2 }]);
      expect(Buffer.from(snapshot.windows[0]!.state)).toEqual(state);
      expect(snapshot.producers).toEqual([producer]);
      expect(snapshot.clockOffsetMs).toBe(1.5);
      const read = await store.read({ streamId: 1, lane: 0, from: 1, bytesMax: 1_000_000 });
      expect(read.map(plain)).toEqual(batches.map(plain));
      const ofHigh = await store.read({ streamId: 1, lane: 2, from: 1, bytesMax: 1_000_000 });
      expect(ofHigh.map(plain)).toEqual([plain(high)]);
    });
  });

  test('reads from the batch that holds a number, or the first after it, until the bytes or the batches are reached', async () => {
    await using folder = await temporaryFolder();
    await withStore(await openSqliteStore({ folder: folder.path }), async (store) => {
      const batches = [placedBatch(1, 'a', 'b', 'c'), placedBatch(10, 'd', 'e'), placedBatch(12, 'f')];
      await commitBatches(store, batches);
      const firsts = async (from: number, bytesMax: number, batchesMax = 100) =>
        (await store.read({ streamId: 1, lane: 0, from, bytesMax, batchesMax })).map(({ first }) => first);
      expect(await firsts(1, 1_000)).toEqual([1, 10, 12]);
      expect(await firsts(3, 1_000)).toEqual([1, 10, 12]);
      expect(await firsts(4, 1_000)).toEqual([10, 12]);
      expect(await firsts(3, 1_000, 2)).toEqual([1, 10]);
      expect(await firsts(4, 1_000, 1)).toEqual([10]);
      expect(await firsts(11, 1)).toEqual([10]);
      expect(await firsts(13, 1_000)).toEqual([]);
      expect(await store.read({ streamId: 2, lane: 0, from: 1, bytesMax: 1_000 })).toEqual([]);
    });
  });

  test('removes the batches that lie wholly within a range, and tells their bytes', async () => {
    await using folder = await temporaryFolder();
    await withStore(await openSqliteStore({ folder: folder.path }), async (store) => {
      const batches = [1, 4, 7, 10].map((first) => placedBatch(first, 'x', 'y', 'z'));
      await commitBatches(store, batches);
      const { removed } = await store.commit({
        ...NOTHING,
        removals: [{ streamId: 1, lane: 0, first: 2, last: 11 }],
      });
      expect(removed).toEqual([{ streamId: 1, bytes: batches[1]!.bytes + batches[2]!.bytes }]);
      const left = await store.read({ streamId: 1, lane: 0, from: 1, bytesMax: 1_000 });
      expect(left.map(({ first }) => first)).toEqual([1, 10]);
    });
  });

  test('applies a transaction whole or not at all', async () => {
    await using folder = await temporaryFolder();
    await withStore(await openSqliteStore({ folder: folder.path }), async (store) => {
      await commitBatches(store, [placedBatch(1, 'a')]);
      const twice = store.commit({
        ...NOTHING,
        batches: inLane(1, 0, [placedBatch(2, 'b'), placedBatch(1, 'again')]),
      });
      await expect(twice).rejects.toMatchObject({ code: 'StorageFailed' });
      const left = await store.read({ streamId: 1, lane: 0, from: 1, bytesMax: 1_000 });
      expect(left.map(plain)).toEqual([plain(placedBatch(1, 'a'))]);
    });
  });

  test('keeps the lanes of a stream apart', async () => {
    await using folder = await temporaryFolder();
    await withStore(await openSqliteStore({ folder: folder.path }), async (store) => {
      await commitBatches(store, [placedBatch(1, 'a'), placedBatch(3, 'c')]);
      await store.commit({ ...NOTHING, batches: inLane(1, 3, [placedBatch(2, 'b'), placedBatch(4, 'd')]) });
      await store.commit({ ...NOTHING, removals: [{ streamId: 1, lane: 3, first: 1, last: 3 }] });
      const firsts = async (lane: number) =>
        (await store.read({ streamId: 1, lane, from: 1, bytesMax: 1_000 })).map(({ first }) => first);
      expect(await firsts(0)).toEqual([1, 3]);
      expect(await firsts(1)).toEqual([]);
      expect(await firsts(3)).toEqual([4]);
    });
  });

  test('finds the first batch of a lane that was taken in at a time or later', async () => {
    await using folder = await temporaryFolder();
    await withStore(await openSqliteStore({ folder: folder.path }), async (store) => {
      const at = (first: number, time: number) => new Batch({ first, ordinal: 0, time, ...batchOf('x') });
      await commitBatches(store, [at(10, 100), at(20, 100), at(1_000_000, 200), at(1_000_002, 350)]);
      const seek = (time: number, lane = 0) => store.seek({ streamId: 1, lane, time });
      expect(await seek(0)).toBe(10);
      expect(await seek(100)).toBe(10);
      expect(await seek(101)).toBe(1_000_000);
      expect(await seek(350)).toBe(1_000_002);
      expect(await seek(351)).toBeUndefined();
      expect(await seek(0, 1)).toBeUndefined();
      const neighbours = Array.from({ length: 30 }, (_, index) => at(index + 1, index * 10));
      await store.commit({ ...NOTHING, batches: inLane(1, 1, neighbours) });
      for (const { first, time } of neighbours) {
        expect(await seek(time, 1)).toBe(first);
        expect(await seek(time - 9, 1)).toBe(first);
      }
    });
  });

  test('finds where a stream would begin without its oldest bytes, of all lanes', async () => {
    await using folder = await temporaryFolder();
    await withStore(await openSqliteStore({ folder: folder.path }), async (store) => {
      await commitBatches(store, [placedBatch(3, 'a'), placedBatch(9, 'b')]);
      await store.commit({
        ...NOTHING,
        batches: inLane(1, 2, [placedBatch(5, 'c', 'd'), placedBatch(12, 'e')]),
      });
      const one = placedBatch(1, 'a').bytes;
      const front = (bytes: number, streamId = 1) => store.front({ streamId, bytes });
      expect(await front(0)).toBe(3);
      expect(await front(1)).toBe(4);
      expect(await front(one)).toBe(4);
      expect(await front(one + 1)).toBe(7);
      expect(await front(3 * one + 1)).toBe(10);
      expect(await front(1_000_000)).toBe(13);
      expect(await front(1, 2)).toBeUndefined();
    });
  });

  test('gives the delayed batches that are due by either clock, the longest due first', async () => {
    await using folder = await temporaryFolder();
    const delayed = (id: number, isSteady: boolean, dueAt: number) => ({
      id,
      streamId: 1,
      lane: id % 4,
      isSteady,
      dueAt,
      batch: delayedBatch(`body ${id}`),
    });
    // By the clocks below: 1 is due for 50, 2 for 100, 3 for 60, 4 for 0, 5 and 6 are not due.
    const all = [
      delayed(1, false, 950),
      delayed(2, true, 0),
      delayed(3, true, 40),
      delayed(4, false, 1_000),
      delayed(5, false, 1_200),
      delayed(6, true, 101),
    ];
    const now = { wallMs: 1_000, steadyMs: 100, limit: 100, bytesMax: 1_000_000 };
    await withStore(await openSqliteStore({ folder: folder.path }), async (store) => {
      await store.commit({ ...NOTHING, createdStreams: [STREAM], delayed: all });
      const page = await store.readDelayed(now);
      expect(page.due.map(({ id }) => id)).toEqual([2, 3, 1, 4]);
      expect(page).toMatchObject({ nextWallMs: 1_200, nextSteadyMs: 101 });
      expect(page.due.map(({ batch, ...row }) => ({ ...row, ...plain(batch) }))).toEqual(
        [2, 3, 1, 4].map((id) => all[id - 1]!).map(({ batch, ...row }) => ({ ...row, ...plain(batch) })),
      );
      const limited = await store.readDelayed({ ...now, limit: 2 });
      expect(limited.due.map(({ id }) => id)).toEqual([2, 3]);
      expect(limited).toMatchObject({ nextWallMs: 950, nextSteadyMs: 101 });
      const small = await store.readDelayed({ ...now, bytesMax: 1 });
      expect(small.due.map(({ id }) => id)).toEqual([2]);
      await store.commit({ ...NOTHING, removedDelayed: [1, 2, 3, 5, 6] });
      expect(await store.readDelayed({ ...now, wallMs: 999 })).toEqual({ due: [], nextWallMs: 1_000 });
    });
    await withStore(await openSqliteStore({ folder: folder.path }), async (store) => {
      const { bytes, count: messages } = all[3]!.batch;
      expect(await store.load()).toMatchObject({
        lastDelayedId: 6,
        delayed: [{ streamId: 1, messages, bytes }],
        nextWallMs: 1_000,
      });
    });
  });

  test('lists the delayed batches of a stream page by page', async () => {
    await using folder = await temporaryFolder();
    await withStore(await openSqliteStore({ folder: folder.path }), async (store) => {
      const rows = [1, 2, 4, 7, 8].map((id) => {
        return {
          id,
          streamId: id === 4 ? 2 : 1,
          lane: 0,
          isSteady: false,
          dueAt: 100 - id,
          batch: delayedBatch('x'),
        };
      });
      await store.commit({ ...NOTHING, createdStreams: [STREAM, newStream(2)], delayed: rows });
      const page = async (after: number, limit: number) =>
        (await store.listDelayed({ streamId: 1, after, limit })).map(({ id }) => id);
      expect(await page(0, 3)).toEqual([1, 2, 7]);
      expect(await page(7, 3)).toEqual([8]);
      expect(await page(8, 3)).toEqual([]);
    });
  });

  test('keeps what is left of a delayed batch of which a part is taken out', async () => {
    await using folder = await temporaryFolder();
    const row = { id: 1, streamId: 1, lane: 0, isSteady: false, dueAt: 100 };
    await withStore(await openSqliteStore({ folder: folder.path }), async (store) => {
      const delayed = [{ ...row, batch: delayedBatch('a', 'b', 'c') }];
      await store.commit({ ...NOTHING, createdStreams: [STREAM], delayed });
      const parts = [
        { ...row, batch: delayedBatch('a') },
        { ...row, id: 3, batch: delayedBatch('c') },
      ];
      await store.commit({ ...NOTHING, removedDelayed: [1], delayed: parts });
      // One that comes and goes at once was never there.
      await store.commit({
        ...NOTHING,
        removedDelayed: [4],
        delayed: [{ ...row, id: 4, batch: delayedBatch('d') }],
      });
      const left = await store.listDelayed({ streamId: 1, after: 0, limit: 10 });
      expect(left.map(({ id, batch }) => [id, ...bodiesOf(batch)])).toEqual([
        [1, 'a'],
        [3, 'c'],
      ]);
    });
    await withStore(await openSqliteStore({ folder: folder.path }), async (store) => {
      expect(await store.load()).toMatchObject({ lastDelayedId: 4, delayed: [{ streamId: 1, messages: 2 }] });
    });
  });

  test('tells how the messages of a range failed, however long the ranges were that failed at once', async () => {
    await using folder = await temporaryFolder();
    const failure = { groupId: 7, at: 5, cause: 'nack', error: 'no' };
    await withStore(await openSqliteStore({ folder: folder.path }), async (store) => {
      await store.commit({ ...NOTHING, createdStreams: [STREAM], groups: [GROUP] });
      await store.commit({
        ...NOTHING,
        failures: [
          { ...failure, first: 1, last: 5_000, attempt: 1, cause: 'disconnected', error: '' },
          { ...failure, first: 3_000, last: 3_000, attempt: 2 },
          { ...failure, groupId: 8, first: 1, last: 9, attempt: 1 },
        ],
      });
      const attempts = async (first: number, last = first) =>
        (await store.readFailures({ groupId: 7, first, last })).map(({ attempt }) => attempt);
      expect(await attempts(3_000)).toEqual([1, 2]);
      expect(await attempts(2_999)).toEqual([1]);
      expect(await attempts(5_000, 9_000)).toEqual([1]);
      expect(await attempts(5_001)).toEqual([]);
      const pieces = await store.readFailures({ groupId: 7, first: 1_000, last: 4_000 });
      expect(pieces.every((piece) => piece.first <= 4_000 && piece.last >= 1_000)).toBe(true);
      await store.commit({ ...NOTHING, droppedFailures: [{ groupId: 7, through: 4_999 }] });
      expect(await attempts(3_000)).toEqual([]);
      expect(await attempts(5_000)).toEqual([1]);
    });
    await withStore(await openSqliteStore({ folder: folder.path }), async (store) => {
      expect((await store.load()).failingGroups).toEqual([7]);
    });
  });

  test('gives message ids back in the order of their commits, until they are dropped', async () => {
    await using folder = await temporaryFolder();
    await withStore(await openSqliteStore({ folder: folder.path }), async (store) => {
      await store.commit({ ...NOTHING, createdStreams: [STREAM, newStream(2)] });
      for (let n = 0; n < 200; n++) {
        const ids = Buffer.alloc(24, n);
        await store.commit({
          ...NOTHING,
          dedup: [
            { streamId: 1, time: 1_000 + n, ids },
            { streamId: 2, time: 5, ids },
          ],
        });
        expect(ids).toEqual(Buffer.alloc(24, n));
      }
      await store.commit({ ...NOTHING, droppedDedup: [{ streamId: 1, before: 1_101 }] });
    });
    await withStore(await openSqliteStore({ folder: folder.path }), async (store) => {
      const { dedup } = await store.load();
      const ids = (streamId: number) =>
        Buffer.concat(dedup.filter((row) => row.streamId === streamId).map((row) => row.ids));
      expect(ids(1)).toEqual(Buffer.concat(Array.from({ length: 99 }, (_, n) => Buffer.alloc(24, n + 101))));
      expect(ids(2)).toEqual(Buffer.concat(Array.from({ length: 200 }, (_, n) => Buffer.alloc(24, n))));
      expect(dedup.every(({ streamId, time }) => streamId === 2 || (time >= 1_101 && time <= 1_200))).toBe(
        true,
      );
      expect(dedup.length).toBeLessThan(20);
    });
  });

  test('keeps schedules, under their names', async () => {
    await using folder = await temporaryFolder();
    const schedule = { name: 'nightly', stream: 'orders', definition: { cron: '0 3 * * *' }, nextAt: 100 };
    const data = Buffer.from('a record batch');
    await withStore(await openSqliteStore({ folder: folder.path }), async (store) => {
      const other = { ...schedule, name: 'hourly', data };
      await store.commit({ ...NOTHING, schedules: [{ ...schedule, data: Buffer.from('another') }, other] });
      await store.commit({
        ...NOTHING,
        schedules: [{ ...schedule, nextAt: 200, data }],
        deletedSchedules: ['hourly'],
      });
    });
    await withStore(await openSqliteStore({ folder: folder.path }), async (store) => {
      const { schedules } = await store.load();
      expect(schedules).toMatchObject([{ ...schedule, nextAt: 200 }]);
      expect(Buffer.from(schedules[0]!.data)).toEqual(data);
    });
  });

  test('writes a group again after a commit that was refused', async () => {
    await using folder = await temporaryFolder();
    const moved = {
      ...GROUP,
      policy: { ordering: 'none' },
      positions: [{ ...GROUP.positions[0]!, ackFloor: 3 }],
    };
    await withStore(await openSqliteStore({ folder: folder.path, bytesMax: 400_000 }), async (store) => {
      await store.commit({ ...NOTHING, createdStreams: [STREAM], groups: [GROUP] });
      const large = inLane(1, 0, [placedBatch(1, 'x'.repeat(1_000_000))]);
      const full = store.commit({ ...NOTHING, batches: large, groups: [moved] });
      await expect(full).rejects.toMatchObject({ code: 'StorageFull' });
      await store.commit({ ...NOTHING, groups: [moved] });
    });
    await withStore(await openSqliteStore({ folder: folder.path }), async (store) => {
      expect((await store.load()).groups).toEqual([moved]);
    });
  });

  test('has a database that is synced before it forgets its log, also one that is there already', async () => {
    await using folder = await temporaryFolder();
    for (let open = 0; open < 2; open++) {
      const database = openDatabase({ folder: folder.path });
      const pragma = (name: string) => database.pragma(name, { simple: true });
      expect(pragma('journal_mode')).toBe('wal');
      expect(pragma('synchronous')).toBe(1);
      expect(pragma('wal_autocheckpoint')).toBe(0);
      expect(pragma('locking_mode')).toBe('exclusive');
      database.close();
    }
  });

  test('has each commit in its files as soon as it is answered', async () => {
    await using folder = await temporaryFolder();
    await using copy = await temporaryFolder();
    await withStore(await openSqliteStore({ folder: folder.path }), async (store) => {
      await commitBatches(store, [placedBatch(1, 'a'), placedBatch(2, 'b')]);
      copyDataFolder(folder.path, copy.path);
    });
    await withStore(await openSqliteStore({ folder: copy.path }), async (store) => {
      expect(await store.read({ streamId: 1, lane: 0, from: 1, bytesMax: 1_000 })).toHaveLength(2);
    });
  });

  test('leaves only the database when it is closed and has nothing', async () => {
    await using folder = await temporaryFolder();
    await withStore(await openSqliteStore({ folder: folder.path }), async (store) => {
      await commitBatches(store, [placedBatch(1, 'x'.repeat(100_000))]);
      await store.commit({ ...NOTHING, removals: [{ streamId: 1, lane: 0, first: 1, last: 1 }] });
    });
    expect(readdirSync(folder.path)).toEqual(['simplemq.db']);
  });
});

async function commitBatches(store: Store, batches: readonly Batch[]): Promise<void> {
  await store.commit({
    ...NOTHING,
    createdStreams: [STREAM],
    batches: inLane(1, 0, batches),
  });
}

function delayedBatch(...bodies: readonly string[]): Batch {
  return new Batch({ first: 0, ordinal: 0, time: 1_700_000_000_000, ...batchOf(...bodies) });
}

function plain(batch: Batch): object {
  const { first, count, ordinal, time, flags, shared } = batch;
  return { first, count, ordinal, time, flags, shared: shared.toString('hex'), bodies: bodiesOf(batch) };
}
