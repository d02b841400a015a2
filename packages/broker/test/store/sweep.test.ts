import { temporaryFolder } from '@simplemq/testkit';
import { expect, test } from 'vitest';
import { SEGMENT_BYTES } from '../../src/store/journal/journal.ts';
import { BatchReader } from '../../src/store/sqlite/batch-reader.ts';
import { encodeCommit } from '../../src/store/sqlite/commit-record.ts';
import { JournaledDatabase } from '../../src/store/sqlite/journaled-database.ts';
import { KnownGroups } from '../../src/store/sqlite/known-groups.ts';
import { SegmentSweep } from '../../src/store/sqlite/segment-sweep.ts';
import type { StoreTransaction } from '../../src/store/store.ts';
import { placedBatch } from '../batches.ts';
import { inLane, NOTHING, newStream } from './transactions.ts';

const BODY = 'x'.repeat(1024 * 1024);
/** Of four segments. */
const BATCHES = (4 * SEGMENT_BYTES) / BODY.length;

test('a broker goes on when all messages of a segment are acked while it is half emptied', async () => {
  await using folder = await temporaryFolder();
  const storage = new JournaledDatabase({ folder: folder.path });
  const commit = (transaction: Partial<StoreTransaction>) =>
    storage.commit(encodeCommit({ ...NOTHING, ...transaction }, new KnownGroups([])));
  const remove = (first: number, last: number) =>
    commit({ removals: [{ streamId: 1, lane: 0, first, last }] });
  try {
    commit({ createdStreams: [newStream(1)] });
    for (let number = 1; number <= BATCHES; number++) {
      commit({ batches: inLane(1, 0, [placedBatch(number, BODY)]) });
    }
    // A few are left of the first segment, more than one step moves.
    remove(4, BATCHES - 1);
    const sweep = new SegmentSweep(storage);
    expect(sweep.step()).toBeGreaterThan(0);
    remove(1, BATCHES);
    storage.checkpoint('PASSIVE');
    expect(storage.journal.closed.has(1)).toBe(false);
    expect(() => sweep.step()).not.toThrow();
  } finally {
    storage.close();
  }
});

test('what a slow stream keeps is moved together, out of segments that a fast one has left', async () => {
  await using folder = await temporaryFolder();
  const storage = new JournaledDatabase({ folder: folder.path });
  const commit = (transaction: Partial<StoreTransaction>) =>
    storage.commit(encodeCommit({ ...NOTHING, ...transaction }, new KnownGroups([])));
  try {
    commit({ createdStreams: [newStream(1), newStream(2)] });
    for (let number = 1; number <= BATCHES; number++) {
      commit({ batches: inLane(1, 0, [placedBatch(number, BODY)]) });
      commit({ batches: inLane(2, 0, [placedBatch(number, `kept ${number}`)]) });
    }
    commit({ removals: [{ streamId: 1, lane: 0, first: 1, last: BATCHES }] });
    const sweep = new SegmentSweep(storage);
    expect(sweep.pressure).toBeGreaterThan(1);
    while (sweep.step() !== undefined) storage.checkpoint('PASSIVE');
    expect(sweep.pressure).toBeLessThanOrEqual(1);
    const rows = new BatchReader(storage.database, storage.journal).read({
      streamId: 2,
      lane: 0,
      from: 1,
      bytesMax: Number.POSITIVE_INFINITY,
    });
    expect(rows.map(({ first, data }) => [first, Buffer.from(data).includes(`kept ${first}`)])).toEqual(
      Array.from({ length: BATCHES }, (_, index) => [index + 1, true]),
    );
  } finally {
    storage.close();
  }
});

test('what a fast stream has left is given back while a backup is taken, but for what that copies', async () => {
  await using folder = await temporaryFolder();
  const storage = new JournaledDatabase({ folder: folder.path });
  const commit = (transaction: Partial<StoreTransaction>) =>
    storage.commit(encodeCommit({ ...NOTHING, ...transaction }, new KnownGroups([])));
  const usedBytes = (ids: Iterable<number>) => Array.from(ids, (id) => storage.space.bytesOf(id));
  try {
    commit({ createdStreams: [newStream(1), newStream(2)] });
    commit({ batches: inLane(1, 0, [placedBatch(1, BODY)]) });
    commit({ batches: inLane(2, 0, [placedBatch(1, 'copied')]) });
    const copied = storage.freeze();
    storage.journal.pin(copied.keys());
    for (let number = 2; number <= BATCHES; number++) {
      commit({ batches: inLane(1, 0, [placedBatch(number, BODY)]) });
      commit({ batches: inLane(2, 0, [placedBatch(number, 'kept')]) });
    }
    commit({ removals: [{ streamId: 1, lane: 0, first: 1, last: BATCHES }] });
    const sweep = new SegmentSweep(storage);
    const used = usedBytes(copied.keys());
    expect(used[0]).toBeGreaterThan(0);
    // To move batches is of no use while nothing can be given back.
    expect(sweep.step()).toBeUndefined();
    storage.thaw();
    expect(sweep.step()).toBeGreaterThan(0);
    while (sweep.step() !== undefined) storage.checkpoint('PASSIVE');
    expect(sweep.pressure).toBeLessThanOrEqual(1);
    expect(storage.journal.fileBytes).toBeLessThan(3 * SEGMENT_BYTES);
    expect(usedBytes(copied.keys())).toEqual(used);
  } finally {
    storage.close();
  }
});

test('a segment that a backup begins to copy while it is emptied is left as it is', async () => {
  await using folder = await temporaryFolder();
  const storage = new JournaledDatabase({ folder: folder.path });
  const commit = (transaction: Partial<StoreTransaction>) =>
    storage.commit(encodeCommit({ ...NOTHING, ...transaction }, new KnownGroups([])));
  try {
    commit({ createdStreams: [newStream(1)] });
    for (let number = 1; number <= BATCHES; number++) {
      commit({ batches: inLane(1, 0, [placedBatch(number, BODY)]) });
    }
    // A few are left of the first segment, more than one step moves.
    commit({ removals: [{ streamId: 1, lane: 0, first: 4, last: BATCHES - 1 }] });
    const sweep = new SegmentSweep(storage);
    expect(sweep.step()).toBeGreaterThan(0);
    const left = storage.space.bytesOf(1);
    expect(left).toBeGreaterThan(0);
    storage.journal.pin([1]);
    for (let step = 0; step < 5; step++) sweep.step();
    expect(storage.space.bytesOf(1)).toBe(left);
  } finally {
    storage.close();
  }
});

test('the segment that is written to is given back when nothing is left, though the database has all of it already', async () => {
  await using folder = await temporaryFolder();
  const storage = new JournaledDatabase({ folder: folder.path });
  const commit = (transaction: Partial<StoreTransaction>) =>
    storage.commit(encodeCommit({ ...NOTHING, ...transaction }, new KnownGroups([])));
  try {
    commit({ createdStreams: [newStream(1)] });
    commit({ batches: inLane(1, 0, [placedBatch(1, BODY), placedBatch(2, BODY)]) });
    commit({ removals: [{ streamId: 1, lane: 0, first: 1, last: 2 }] });
    // As when nothing has come for a while.
    storage.checkpoint('PASSIVE');
    storage.tidy();
    expect(storage.journal.fileBytes).toBe(0);
  } finally {
    storage.close();
  }
});
