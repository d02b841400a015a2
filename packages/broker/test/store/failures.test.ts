import { join } from 'node:path';
import { temporaryFolder } from '@simplemq/testkit';
import Database from 'better-sqlite3';
import { expect, test, vi } from 'vitest';
import { encodeCommit } from '../../src/store/sqlite/commit-record.ts';
import { JournaledDatabase } from '../../src/store/sqlite/journaled-database.ts';
import { KnownGroups } from '../../src/store/sqlite/known-groups.ts';
import type { StoredFailure, StoreTransaction } from '../../src/store/store.ts';
import { batchOfMany } from '../batches.ts';
import { FakeStore, openOn } from '../fake-store.ts';
import { RecordingFollower } from '../recording-follower.ts';
import { openTestEngine } from '../test-engine.ts';
import { NOTHING, newStream } from './transactions.ts';

const bind = { stream: 's' };
const DAY_MS = 86_400_000;

/** A database in which the messages 1 to 5,000 of group 1 failed, and 5,001. */
async function withFailures(
  act: (storage: JournaledDatabase, commit: (part: Partial<StoreTransaction>) => void) => void,
): Promise<void> {
  await using folder = await temporaryFolder();
  const storage = new JournaledDatabase({ folder: folder.path });
  const commit = (part: Partial<StoreTransaction>): void =>
    void storage.commit(encodeCommit({ ...NOTHING, ...part }, new KnownGroups([])));
  try {
    commit({ createdStreams: [newStream(1)] });
    const failures = Array.from({ length: 5_001 }, (_, i): StoredFailure => {
      return { groupId: 1, first: i + 1, last: i + 1, attempt: 1, at: 1, cause: 'nack', error: 'no' };
    });
    commit({ failures });
    act(storage, commit);
  } finally {
    storage.close();
  }
}

function rowsOf({ database }: JournaledDatabase): number {
  return database.prepare('SELECT count(*) FROM failures').pluck().get() as number;
}

test('how very many messages failed is removed a part at a time once they are done, and what is not done is kept', () =>
  withFailures((storage, commit) => {
    commit({ droppedFailures: [{ groupId: 1, through: 5_000 }] });
    expect(rowsOf(storage)).toBeGreaterThan(3_000);
    for (let steps = 0; storage.failures.hasLeft && steps < 10_000; steps++) {
      storage.write(() => storage.failures.step());
    }
    expect(rowsOf(storage)).toBe(1);
    expect(storage.failures.read({ groupId: 1, first: 5_001, last: 5_001 })).toHaveLength(1);
  }));

test('how messages failed that a commit makes done is kept when that commit is refused', () =>
  withFailures((storage, commit) => {
    vi.spyOn(storage.journal, 'append').mockImplementationOnce(() => {
      throw Object.assign(new Error('no room'), { code: 'ENOSPC' });
    });
    expect(() => commit({ droppedFailures: [{ groupId: 1, through: 5_000 }] })).toThrow('no room');
    expect(storage.failures.hasLeft).toBe(false);
    expect(rowsOf(storage)).toBe(5_001);
  }));

test('how messages failed before their group began anew is not taken for what comes after it', () =>
  withFailures((storage, commit) => {
    commit({ droppedFailures: [{ groupId: 1, through: 5_000 }] });
    commit({ droppedFailures: [{ groupId: 1, through: Number.MAX_SAFE_INTEGER }] });
    expect(rowsOf(storage)).toBe(0);
    expect(storage.failures.hasLeft).toBe(false);
  }));

test('how messages failed that are done is not kept because an older one waits', async () => {
  await using broker = await openTestEngine('file');
  await broker.engine.createStream('s', {});
  await broker.engine.publish({ bind, batch: batchOfMany(20) });
  const follower = await RecordingFollower.follow(broker.engine, bind, { credit: 100 });
  const [first, ...rest] = await follower.until(20);
  await follower.nack([first!], DAY_MS);
  for (const delivery of rest) await follower.nack([delivery], 0);
  await follower.until(39);
  await follower.ack(...follower.deliveries.slice(20));
  let left: unknown;
  await broker.restart({}, async () => {
    const database = new Database(join(broker.path, 'simplemq.db'), { readonly: true });
    left = database.prepare('SELECT first_seq AS first, last_seq AS last FROM failures').all();
    database.close();
  });
  expect(left).toEqual([{ first: 1, last: 1 }]);
});

test('a broker that starts goes on to remove how messages failed that are done', async () => {
  const store = new FakeStore();
  const engine = await openOn(store);
  await engine.createStream('s', {});
  await engine.publish({ bind, batch: batchOfMany(2) });
  const follower = await RecordingFollower.follow(engine, bind, { credit: 10 });
  const [one, two] = await follower.until(2);
  await follower.nack([two!], DAY_MS);
  await follower.ack(one!);
  await engine.close();
  store.commits.length = 0;
  const dropped = Promise.withResolvers<StoreTransaction['droppedFailures']>();
  store.beforeCommit = ({ droppedFailures }) => dropped.resolve(droppedFailures);
  const next = await openOn(store);
  expect(await dropped.promise).toMatchObject([{ through: 1 }]);
  await next.close();
});
