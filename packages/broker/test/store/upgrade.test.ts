import { join } from 'node:path';
import { BATCH_HEADER_BYTES, encodeBatchHead } from '@simplemq/protocol';
import { temporaryFolder } from '@simplemq/testkit';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { MIGRATIONS } from '../../src/store/sqlite/schema.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { bodiesOf, placedBatch } from '../batches.ts';
import { inLane, NOTHING, newStream, withStore } from './transactions.ts';
import { makeVersion1 } from './version-1.ts';

describe('a database of version 1', () => {
  test('is read as it was left, and goes on at the newest version', async () => {
    await using folder = await temporaryFolder();
    const batches = [placedBatch(4, 'four', 'five'), placedBatch(7, 'seven')];
    makeVersion1(folder.path, (old) => {
      const insert = old.prepare(
        'INSERT INTO batches (stream_id, first_seq, count, bytes, time, data) VALUES (?, ?, ?, ?, ?, ?)',
      );
      old.exec(`
        INSERT INTO streams VALUES (1, 'orders', '{"storage":"file","retention":"work"}', 100, 8, 3, 55);
        INSERT INTO streams VALUES (2, 'empty', '{"storage":"file","retention":"work"}', 200, 1, 0, 0);
        INSERT INTO groups VALUES (3, 1, 'workers', 300, '{}');
        INSERT INTO positions VALUES (3, 0, 4, 7);
        INSERT INTO windows VALUES (3, 0, 0, x'0102');
        INSERT INTO producers VALUES (x'00ff', 400, '[]');
      `);
      for (const { first, count, bytes, time, flags, shared, records } of batches) {
        const data = Buffer.concat([encodeBatchHead(count, flags, shared, records), records]);
        expect(data).toHaveLength(BATCH_HEADER_BYTES + bytes);
        insert.run(1, first, count, bytes, time, data);
      }
    });
    const { time } = batches[1]!;
    const stream = {
      id: 1,
      name: 'orders',
      options: { storage: 'file', retention: 'work' },
      createdAt: 100,
      nextSequence: 8,
      firstSequence: 1,
      messages: 3,
      bytes: 55,
      lastTime: time,
      lanes: [{ ordinal: 7, end: 8 }],
    };
    await withStore(await openSqliteStore({ folder: folder.path }), async (store) => {
      const snapshot = await store.load();
      expect(snapshot).toMatchObject({
        streams: [stream, { id: 2, firstSequence: 1, lastTime: 200, lanes: [{ ordinal: 0, end: 1 }] }],
        groups: [
          {
            id: 3,
            streamId: 1,
            name: 'workers',
            createdAt: 300,
            policy: {},
            positions: [{ lane: 0, ackFloor: 4, readPosition: 7, ordinal: 6 }],
          },
        ],
        windows: [{ groupId: 3, lane: 0, window: 0, format: 1 }],
        producers: [{ id: '00ff', usedAt: 400, receipts: '[]' }],
        dedup: [],
        schedules: [],
        lastDelayedId: 0,
        delayed: [],
        failingGroups: [],
        clockOffsetMs: 0,
        clockSteadyMs: 0,
      });
      await store.commit({
        ...NOTHING,
        createdStreams: [newStream(9)],
        batches: inLane(1, 0, [placedBatch(8, 'eight')]),
        windows: [{ groupId: 3, lane: 0, window: 0, format: 2, state: Buffer.from([3]) }],
        removals: [{ streamId: 1, lane: 0, first: 1, last: 5 }],
      });
    });
    await withStore(await openSqliteStore({ folder: folder.path }), async (store) => {
      const read = await store.read({ streamId: 1, lane: 0, from: 1, bytesMax: 1_000 });
      expect(read.map(({ first, ordinal }) => [first, ordinal])).toEqual([
        [7, 6],
        [8, 7],
      ]);
      expect(read.flatMap(bodiesOf)).toEqual(['seven', 'eight']);
      expect((await store.load()).windows).toMatchObject([{ format: 2 }]);
    });
  });

  test('can give space back from its first start on when it holds little', async () => {
    await using folder = await temporaryFolder();
    makeVersion1(folder.path, () => {});
    await withStore(await openSqliteStore({ folder: folder.path }), async () => {});
    const database = new Database(join(folder.path, 'simplemq.db'));
    expect(database.pragma('auto_vacuum', { simple: true })).toBe(2);
    expect(database.pragma('user_version', { simple: true })).toBe(MIGRATIONS.length);
    expect(database.pragma('integrity_check', { simple: true })).toBe('ok');
    database.close();
  });
});
