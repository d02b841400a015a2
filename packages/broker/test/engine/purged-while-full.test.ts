import { StorageFull } from '@simplemq/protocol';
import { expect, test } from 'vitest';
import { batchOf } from '../batches.ts';
import { openOn } from '../fake-store.ts';
import { RecordingFollower, rangesOf } from '../recording-follower.ts';
import { StepwiseStore } from '../stepwise-store.ts';
import { turns } from '../test-engine.ts';

const bind = { stream: 's' };

/** Purges a stream while a transaction that acks some of it is under way, which the disk has no room for. */
async function purgeWhileFull() {
  const store = new StepwiseStore();
  const engine = await openOn(store);
  await engine.createStream('s', {});
  await engine.createGroup({ stream: 's', group: 'audit' });
  await engine.createStream('results', {});
  await engine.publish({ bind, batch: batchOf('a', 'b') });
  const follower = await RecordingFollower.follow(engine, bind, { credit: 10 });
  await follower.until(2);
  store.isStepwise = true;
  const purged = engine.purgeStream({ stream: 's' });
  await turns(5);
  const transaction = engine
    .transaction({
      publishes: [{ bind: { stream: 'results' }, batch: batchOf('result') }],
      acks: [{ follower: follower.engineFollower, entries: rangesOf(follower.deliveries) }],
    })
    .catch((error) => error);
  // What the purge waits for; then it takes the messages out of memory, while the transaction is on its way.
  await store.step();
  await store.step(new StorageFull('no room'));
  expect(await transaction).toBeInstanceOf(StorageFull);
  return { store, engine, purged };
}

test('what was purged is not pending again when a transaction that acked it is refused for want of room', async () => {
  const { store, engine, purged } = await purgeWhileFull();
  store.isStepwise = false;
  await store.step();
  await purged;
  expect(await engine.streamInfo('s')).toMatchObject({ messages: 0, firstSequence: 3 });
  expect(await engine.pending({ stream: 's' })).toMatchObject({ entries: [] });
  await engine.close();
});

test('a purge is on the disk as a whole or not at all, although what was under way is refused for want of room', async () => {
  const { store } = await purgeWhileFull();
  // What is left of the refused commit; then the power goes.
  await store.step();
  store.isStepwise = false;
  const next = await openOn(store);
  const { firstSequence, messages, groups } = await next.streamInfo('s');
  const left = groups.map(({ lag, pending }) => lag + pending);
  expect([firstSequence, messages, ...left]).toEqual(messages === 0 ? [3, 0, 0, 0] : [1, 2, 2, 2]);
  await next.close();
});
