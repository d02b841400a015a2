import { StorageFull } from '@simplemq/protocol';
import { expect, test } from 'vitest';
import { batchOf } from '../batches.ts';
import { FakeStore, openOn } from '../fake-store.ts';
import { RecordingFollower, rangesOf } from '../recording-follower.ts';
import { turns } from '../test-engine.ts';

const bind = { stream: 's' };

/** What a follower has had is in the books, lazily. */
async function isNoted(store: FakeStore): Promise<void> {
  await expect.poll(() => store.commits.at(-1)!.groups.length).toBeGreaterThan(0);
}

test('a message whose dead letter is not stored yet is not lost by a kill after what is left of a refused commit', async () => {
  const store = new FakeStore();
  const engine = await openOn(store);
  await engine.createStream('s', {});
  await engine.publish({ bind, batch: batchOf('a', 'b', 'c') });
  const follower = await RecordingFollower.follow(engine, bind, { credit: 10 });
  const [a, , c] = await follower.until(3);
  await isNoted(store);
  let commits = 0;
  store.beforeCommit = async () => {
    commits++;
    await turns(10);
    if (commits === 2) throw new StorageFull('no room');
    // The broker is killed once the rest is stored.
    if (commits === 4) await new Promise(() => {});
  };
  void follower.reject([a!]).catch(() => {});
  await turns(2);
  // They go into the second commit, during which the dead letter is placed in the next.
  void follower.ack(c!).catch(() => {});
  engine.publish({ bind, batch: batchOf({ body: 'x', messageId: 'id' }) }).catch(() => {});
  while (commits < 4) await turns(1);
  store.beforeCommit = () => {};
  const again = await openOn(store);
  const next = await RecordingFollower.follow(again, bind, { credit: 10 });
  await next.until(2);
  expect(next.bodies).toEqual(['a', 'b']);
  await again.close();
});

test('what was cancelled while it became due does not come when others that were due had no room at first', async () => {
  const store = new FakeStore();
  const engine = await openOn(store);
  await engine.createStream('s', {});
  const follower = await RecordingFollower.follow(engine, bind, { credit: 10 });
  const delayed = batchOf(
    { body: 'a', delayMs: 150 },
    { body: 'b', delayMs: 150 },
    { body: 'other', delayMs: 160 },
  );
  await engine.publish({ bind, batch: delayed });
  const [a] = (await engine.listDelayed({ stream: 's' })).entries;
  const isDueAt = performance.now() + 170;
  const isPublished = Promise.withResolvers<void>();
  let isRefused = false;
  store.beforeCommit = async ({ removedDelayed, batches }) => {
    if (removedDelayed.length > 0 && batches.length === 0) await isPublished.promise;
    else if (batches.length > 0 && !isRefused) {
      isRefused = true;
      throw new StorageFull('no room');
    }
  };
  const cancelled = engine.cancelDelayed({ stream: 's', ids: [a!.id] });
  while (performance.now() < isDueAt) await turns(1);
  await turns(5);
  const published = engine.publish({ bind, batch: batchOf('x') });
  isPublished.resolve();
  await expect(published).rejects.toMatchObject({ code: 'StorageFull' });
  expect(await cancelled).toBe(1);
  await follower.until(2);
  await turns(20);
  expect(follower.bodies.toSorted()).toEqual(['b', 'other']);
  await engine.close();
});

test('a stream counts right after a kill that follows a refused publish, beside which messages were acked', async () => {
  const store = new FakeStore();
  const engine = await openOn(store);
  await engine.createStream('s', { retention: 'work' });
  await engine.publish({ bind, batch: batchOf('a', 'b') });
  const follower = await RecordingFollower.follow(engine, bind, { credit: 10 });
  const [a] = await follower.until(2);
  await isNoted(store);
  let commits = 0;
  store.beforeCommit = async () => {
    commits++;
    await turns(3);
    if (commits === 1) throw new StorageFull('no room');
    // The broker is killed once what is left of the first is stored.
    if (commits === 3) await new Promise(() => {});
  };
  engine.publish({ bind, batch: batchOf('x') }).catch(() => {});
  await turns(2);
  void follower.ack(a!);
  while (commits < 3) await turns(1);
  store.beforeCommit = () => {};
  const again = await openOn(store);
  const { messages, groups } = await again.streamInfo('s');
  expect(messages).toBe(groups[0]!.pending + groups[0]!.lag);
  await again.close();
});

test('a message whose ack was refused with its transaction comes again, though its group was reset meanwhile', async () => {
  const store = new FakeStore();
  const engine = await openOn(store);
  await engine.createStream('s', { retention: 'work' });
  await engine.publish({ bind, batch: batchOf('a', 'b') });
  const follower = await RecordingFollower.follow(engine, bind, { credit: 10, group: 'main' });
  const [a] = await follower.until(2);
  let isRefused = false;
  store.beforeCommit = async ({ batches }) => {
    await turns(5);
    if (batches.length === 0 || isRefused) return;
    isRefused = true;
    throw new StorageFull('no room');
  };
  const transaction = engine.transaction({
    publishes: [{ bind, batch: batchOf('x') }],
    acks: [{ follower: follower.engineFollower, entries: rangesOf([a!]) }],
  });
  const refused = expect(transaction).rejects.toMatchObject({ code: 'StorageFull' });
  await turns(2);
  await engine.resetGroup({ stream: 's', group: 'main', startFrom: 'first' });
  await refused;
  await follower.until(4);
  expect(follower.bodies.slice(-2)).toEqual(['a', 'b']);
  await engine.close();
});
