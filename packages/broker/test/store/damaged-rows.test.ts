import { join } from 'node:path';
import { temporaryFolder } from '@simplemq/testkit';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import type { StoredDamage } from '../../src/store/store.ts';
import { bodiesOf, placedBatch } from '../batches.ts';
import { inLane, NOTHING, newStream, withStore } from './transactions.ts';

const STATE = Buffer.from([1, 2, 3]);
const COUNTERS = {
  nextSequence: 4,
  firstSequence: 1,
  messages: 3,
  lastTime: 9,
  lanes: [{ ordinal: 3, end: 4 }],
};

describe('a database in which a row is not as it was written', () => {
  test.each([
    ['streams', 'UPDATE streams SET next_sequence = 2', "table streams: stream 'orders'"],
    ['streams', "UPDATE streams SET name = 'ordess'", "table streams: stream 'ordess'"],
    ['streams', 'UPDATE streams SET bytes = bytes + 1024', "table streams: stream 'orders'"],
    [
      'positions',
      'UPDATE positions SET ack_floor = 0',
      "table positions: group 'workers' of stream 'orders'",
    ],
    [
      'windows',
      "UPDATE windows SET state = x'010203ff'",
      "table windows: group 'workers' of stream 'orders'",
    ],
    ['groups', 'UPDATE groups SET stream_id = 3', "table groups: group 'workers' of stream 3"],
    ['producers', 'UPDATE producers SET used_at = 8', 'table producers: producer 00ff'],
    ['dedup', "UPDATE dedup SET ids = x'00'", "table dedup: stream 'orders'"],
    ['meta', "UPDATE meta SET value = 7 WHERE name = 'journal_position'", 'table meta: journal_position'],
    ['segments', 'UPDATE segments SET bytes = 0', 'table segments: segment 1'],
    ['schedules', 'UPDATE schedules SET next_at = 1', "table schedules: schedule 'daily'"],
    ['sqlite_schema', 'ALTER TABLE positions RENAME COLUMN ordinal TO ordinbl', 'no such column: ordinal'],
  ])('is not started on, and the line says so: %s, %s', async (_, harm, where) => {
    await using folder = await temporaryFolder();
    await make(folder.path);
    change(folder.path, harm);
    await expect(openSqliteStore({ folder: folder.path })).rejects.toMatchObject({
      code: 'StorageFailed',
      message: expect.stringMatching(/^the database '.*simplemq\.db' (is damaged|cannot be opened)[^\n]*$/),
    });
    await expect(openSqliteStore({ folder: folder.path })).rejects.toMatchObject({
      message: expect.stringContaining(where),
    });
  });

  test.each([
    ['its count', 'UPDATE batches SET count = 1 WHERE first_seq = 2'],
    ['where it lies', 'UPDATE batches SET position = position + 8 WHERE first_seq = 2'],
    ['its time', 'UPDATE batches SET time = 1 WHERE first_seq = 2'],
  ])('of a batch, is without that batch: %s', async (_, harm) => {
    await using folder = await temporaryFolder();
    await make(folder.path);
    change(folder.path, harm);
    const damage: StoredDamage[] = [];
    await withStore(await openSqliteStore({ folder: folder.path }), async (store) => {
      store.onDamaged = (more) => damage.push(...more);
      const before = (await store.load()).streams[0]!.bytes;
      const read = await store.read({ streamId: 1, lane: 0, from: 1, bytesMax: 1_000 });
      expect(read.flatMap(bodiesOf)).toEqual(['one']);
      expect(damage).toMatchObject([{ streamId: 1, stream: 'orders', lane: 0, first: 2, last: 3 }]);
      expect(damage[0]!.bytes).toBe(before - read[0]!.bytes);
    });
    // For good, and what it was is known still.
    await withStore(await openSqliteStore({ folder: folder.path }), async (store) => {
      expect(await store.read({ streamId: 1, lane: 0, from: 1, bytesMax: 1_000 })).toHaveLength(1);
    });
    const database = new Database(join(folder.path, 'simplemq.db'), { readonly: true });
    expect(database.prepare('SELECT stream, first_seq, last_seq FROM damaged').all()).toEqual([
      { stream: 'orders', first_seq: 2, last_seq: 3 },
    ]);
    database.close();
    expect(damage).toHaveLength(1);
  });
});

async function make(path: string): Promise<void> {
  await withStore(await openSqliteStore({ folder: path }), async (store) => {
    await store.commit({
      ...NOTHING,
      createdStreams: [newStream(1, 'orders')],
      batches: inLane(1, 0, [placedBatch(1, 'one'), placedBatch(2, 'two', 'three')]),
      streams: [{ id: 1, ...COUNTERS }],
      groups: [
        {
          id: 7,
          streamId: 1,
          name: 'workers',
          createdAt: 5,
          policy: {},
          positions: [{ lane: 0, ackFloor: 1, readPosition: 4, ordinal: 3 }],
        },
      ],
      windows: [{ groupId: 7, lane: 0, window: 0, format: 2, state: STATE }],
      producers: [{ id: '00ff'.repeat(8), usedAt: 9, receipts: '[]' }],
      dedup: [{ streamId: 1, time: 50, ids: STATE }],
      schedules: [{ name: 'daily', stream: 'orders', definition: {}, nextAt: 9, data: STATE }],
    });
  });
}

function change(path: string, sql: string): void {
  const database = new Database(join(path, 'simplemq.db'));
  expect(database.exec(sql)).toBe(database);
  database.close();
}
