import { StorageFull } from '@simplemq/protocol';
import { expect, test } from 'vitest';
import { batchOf } from '../batches.ts';
import { FakeStore, openOn } from '../fake-store.ts';
import { RecordingFollower, rangesOf } from '../recording-follower.ts';
import { turns } from '../test-engine.ts';

const bind = { stream: 's' };

/** Refuses the first commit with a publish, which takes a while. */
function refuseFirstPublish(store: FakeStore): void {
  let isRefused = false;
  store.beforeCommit = async ({ batches }) => {
    await turns(5);
    if (batches.length === 0 || isRefused) return;
    isRefused = true;
    throw new StorageFull('no room');
  };
}

test('a message whose ack was refused with its transaction comes again, though the other group was deleted meanwhile', async () => {
  const store = new FakeStore();
  const engine = await openOn(store);
  await engine.createStream('s', { retention: 'work' });
  for (const group of ['a', 'b']) await engine.createGroup({ stream: 's', group });
  await engine.publish({ bind, batch: batchOf('x') });
  const follower = await RecordingFollower.follow(engine, bind, { credit: 10, group: 'a' });
  const [x] = await follower.until(1);
  refuseFirstPublish(store);
  const transaction = engine.transaction({
    publishes: [{ bind, batch: batchOf('y') }],
    acks: [{ follower: follower.engineFollower, entries: rangesOf([x!]) }],
  });
  const refused = expect(transaction).rejects.toMatchObject({ code: 'StorageFull' });
  await turns(2);
  await engine.deleteGroup('s', 'b');
  await refused;
  await follower.until(2);
  expect(await engine.streamInfo('s')).toMatchObject({ messages: 1 });
  await engine.close();
  const again = await openOn(store);
  const next = await RecordingFollower.follow(again, bind, { credit: 10, group: 'a' });
  await next.until(1);
  expect(next.bodies).toEqual(['x']);
  expect(await again.streamInfo('s')).toMatchObject({ messages: 1 });
  await again.close();
});

test('a work queue counts right after its only group was moved to its end while publishes were under way', async () => {
  const store = new FakeStore();
  const engine = await openOn(store);
  await engine.createStream('s', { retention: 'work' });
  await engine.createGroup({ stream: 's', group: 'a' });
  store.beforeCommit = async () => void (await turns(3));
  const publishes = [engine.publish({ bind, batch: batchOf('x', 'y') })];
  await turns(2);
  const reset = engine.resetGroup({ stream: 's', group: 'a', startFrom: 'new' });
  publishes.push(engine.publish({ bind, batch: batchOf('z') }));
  await Promise.all([...publishes, reset]);
  const { messages, groups } = await engine.streamInfo('s');
  const { runs } = await engine.read({ stream: 's' });
  const there = runs.reduce((count, run) => count + run.count, 0);
  expect([messages, groups[0]!.lag]).toEqual([there, there]);
  await engine.close();
});
