import { expect, test } from 'vitest';
import type { DelayedPage, ReadDelayedRequest } from '../../src/store/store.ts';
import { sharingBatch } from '../batches.ts';
import { FakeStore, openOn } from '../fake-store.ts';
import { RecordingFollower } from '../recording-follower.ts';

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
