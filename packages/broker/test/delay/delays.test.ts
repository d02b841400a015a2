import { StorageFull } from '@simplemq/protocol';
import { expect, test } from 'vitest';
import type { DelayedPage, ReadDelayedRequest } from '../../src/store/store.ts';
import { batchOf, sharingBatch } from '../batches.ts';
import { FakeStore, openOn } from '../fake-store.ts';
import { RecordingFollower } from '../recording-follower.ts';
import { turns } from '../test-engine.ts';

class SlowStore extends FakeStore {
  afterReadDelayed: () => Promise<void> | void = () => {};

  override async readDelayed(request: ReadDelayedRequest): Promise<DelayedPage> {
    const page = await super.readDelayed(request);
    await this.afterReadDelayed();
    return page;
  }
}

test('a delayed message of a memory stream comes, though it was published while the storage looked for others', async () => {
  const store = new SlowStore();
  const engine = await openOn(store);
  await engine.createStream('file', {});
  await engine.createStream('memory', { storage: 'memory' });
  const looking = Promise.withResolvers<void>();
  const found = Promise.withResolvers<void>();
  store.afterReadDelayed = () => {
    looking.resolve();
    return found.promise;
  };
  await engine.publish({ bind: { stream: 'file' }, batch: sharingBatch({ delayMs: 1 }, 'first') });
  await looking.promise;
  await engine.publish({ bind: { stream: 'memory' }, batch: sharingBatch({ delayMs: 1 }, 'second') });
  found.resolve();
  const follower = await RecordingFollower.follow(engine, { stream: 'memory' }, { credit: 1 });
  await follower.until(1);
  expect(follower.bodies).toEqual(['second']);
  await engine.close();
});

test('a delayed message comes, though it became due while its cancellation was refused for want of room', async () => {
  const store = new SlowStore();
  const engine = await openOn(store);
  await engine.createStream('s', {});
  const receipt = await engine.publish({
    bind: { stream: 's' },
    batch: sharingBatch({ delayMs: 50 }, 'later'),
  });
  const isDueAt = performance.now() + 60;
  store.beforeCommit = async ({ removedDelayed }) => {
    if (removedDelayed.length === 0) return;
    while (performance.now() < isDueAt) await turns();
    throw new StorageFull('no room');
  };
  const ids = [receipt.streams[0]!.delayed![1]!];
  await expect(engine.cancelDelayed({ stream: 's', ids })).rejects.toMatchObject({ code: 'StorageFull' });
  store.beforeCommit = () => {};
  const follower = await RecordingFollower.follow(engine, { stream: 's' }, { credit: 1 });
  await follower.until(1);
  expect(follower.bodies).toEqual(['later']);
  await engine.close();
});

test('delayed messages come, though there was no room when they were looked for', async () => {
  const store = new SlowStore();
  const engine = await openOn(store);
  await engine.createStream('file', {});
  await engine.createStream('memory', { storage: 'memory' });
  store.afterReadDelayed = () => {
    store.afterReadDelayed = () => {};
    throw new StorageFull('no room');
  };
  const batch = sharingBatch({ delayMs: 1 }, 'later');
  await Promise.all(['file', 'memory'].map((stream) => engine.publish({ bind: { stream }, batch })));
  for (const stream of ['file', 'memory']) {
    const follower = await RecordingFollower.follow(engine, { stream }, { credit: 1 });
    await follower.until(1);
    expect(follower.bodies).toEqual(['later']);
  }
  await engine.close();
});

test('what is cancelled as it becomes due comes, or is cancelled, and is counted once', async () => {
  const store = new SlowStore();
  const engine = await openOn(store);
  await engine.createStream('s', {});
  const follower = await RecordingFollower.follow(engine, { stream: 's' }, { credit: 1_000 });
  const { listDelayed } = store;
  store.listDelayed = async (request) => {
    const found = await listDelayed.call(store, request);
    await turns();
    return found;
  };
  let cancelled = 0;
  for (let round = 0; round < 30; round++) {
    const ids: number[] = [];
    for (const delayMs of [2, 3]) {
      const batch = batchOf(...Array.from({ length: 3 }, () => ({ body: 'later', delayMs })));
      const { streams } = await engine.publish({ bind: { stream: 's' }, batch });
      // Pairs of a message's place and its id: some of one row, so that the rest of it stays.
      ids.push(streams[0]!.delayed![1]!, streams[0]!.delayed![5]!);
    }
    // It is looked for while the first are entering, or about to.
    for (let turn = 0; turn < round; turn++) await turns();
    cancelled += await engine.cancelDelayed({ stream: 's', ids });
  }
  await follower.until(30 * 6 - cancelled);
  await turns();
  const { messages, delayed } = await engine.streamInfo('s');
  expect([messages, delayed]).toEqual([30 * 6 - cancelled, 0]);
  await engine.close();
});
