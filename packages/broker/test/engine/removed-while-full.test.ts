import { StorageFull } from '@simplemq/protocol';
import { expect, test } from 'vitest';
import type { EmbeddedEngine } from '../../src/engine/embedded-engine.ts';
import { batchOf, batchOfMany } from '../batches.ts';
import { FakeStore, openOn } from '../fake-store.ts';
import { RecordingFollower, rangesOf } from '../recording-follower.ts';
import { StepwiseStore } from '../stepwise-store.ts';
import { turns } from '../test-engine.ts';

const bind = { stream: 's' };
const noRoom = new StorageFull('no room');

test.each(['redrive', 'deleteDeadLetters'] as const)(
  'a %s that is refused for want of room leaves the dead letters where they are',
  async (kind) => {
    const { store, engine } = await openStepwise();
    await engine.publish({ bind, batch: batchOf('dead') });
    const follower = await RecordingFollower.follow(engine, bind, { credit: 10 });
    await follower.until(1);
    await follower.reject(follower.deliveries);
    const moved = whilePublishIsRefused(store, engine, () => engine[kind]({ stream: 's' }));
    await turns(30);
    // What is left of the publish, and then the letters, which are tried twice.
    await store.step();
    await store.step(noRoom);
    await store.step(noRoom);
    expect(await moved).toBeInstanceOf(StorageFull);
    store.isStepwise = false;
    await store.step();
    expect((await engine.deadLetters({ stream: 's' })).runs).toHaveLength(1);
    await engine.close();
    const next = await openOn(store);
    expect((await next.deadLetters({ stream: 's' })).runs).toHaveLength(1);
    await next.close();
  },
);

test('a group is deleted as a whole or not at all, although what was under way is refused for want of room', async () => {
  const { store, engine } = await openStepwise();
  for (const group of ['a', 'b']) await engine.createGroup({ stream: 's', group });
  await engine.publish({ bind, batch: batchOf('x', 'y') });
  const follower = await RecordingFollower.follow(engine, bind, { group: 'b', credit: 10 });
  await follower.until(2);
  await follower.ack(...follower.deliveries);
  void whilePublishIsRefused(store, engine, () => engine.deleteGroup('s', 'a'));
  await turns(30);
  // What is left of the refused commit; then the power goes.
  await store.step();
  store.isStepwise = false;
  const next = await openOn(store);
  const { groups, messages } = await next.streamInfo('s');
  const left = groups.find(({ name }) => name === 'a');
  expect([left?.lag, messages]).toEqual(left === undefined ? [undefined, 0] : [2, 2]);
  await next.close();
});

test('what a group acked right before it was moved comes again, although others ack it meanwhile', async () => {
  const { store, engine } = await openStepwise();
  for (const group of ['a', 'b']) await engine.createGroup({ stream: 's', group });
  await engine.publish({ bind, batch: batchOf('x') });
  const followers: RecordingFollower[] = [];
  for (const group of ['a', 'b']) {
    const follower = await RecordingFollower.follow(engine, bind, { group, credit: 10 });
    await follower.until(1);
    followers.push(follower);
  }
  const [moved, other] = followers as [RecordingFollower, RecordingFollower];
  store.isStepwise = true;
  const publish = engine.publish({ bind: { stream: 'other' }, batch: batchOf('x') });
  await turns(5);
  const acked = moved.ack(...moved.deliveries);
  const reset = engine.resetGroup({ stream: 's', group: 'a', startFrom: 'first' });
  await turns(5);
  const ackedByOther = other.ack(...other.deliveries);
  store.isStepwise = false;
  await store.step();
  await Promise.all([publish, acked, reset, ackedByOther]);
  await moved.until(2);
  await moved.nack(moved.deliveries.slice(1));
  await moved.until(3);
  expect(await engine.streamInfo('s')).toMatchObject({ messages: 1 });
  await engine.close();
});

test('a full disk that has no room for what a trim stores does not end the broker', async () => {
  const store = new FakeStore();
  const events: string[] = [];
  const engine = await openOn(store, { onEvent: ({ type }) => events.push(type) });
  await engine.createStream('s', { maxMessages: 2, overflow: 'drop-oldest' });
  let commits = 0;
  store.beforeCommit = () => {
    if (++commits > 1) throw noRoom;
  };
  await engine.publish({ bind, batch: batchOfMany(10) });
  await turns(50);
  store.beforeCommit = () => {};
  await engine.publish({ bind, batch: batchOf('x') });
  expect(events).not.toContain('failed');
  await engine.close();
});

test('a transaction that is begun as soon as another is refused is on the disk as a whole or not at all', async () => {
  const { store, engine } = await openStepwise();
  await engine.publish({ bind, batch: batchOf('x', 'y') });
  const follower = await RecordingFollower.follow(engine, bind, { credit: 10 });
  await follower.until(2);
  const publishes = [{ bind: { stream: 'other' }, batch: batchOf('result') }];
  const acking = (index: number) => [
    { follower: follower.engineFollower, entries: rangesOf(follower.deliveries.slice(index, index + 1)) },
  ];
  store.isStepwise = true;
  const first = engine.transaction({ publishes, acks: acking(0) });
  const second = first.catch(() => engine.transaction({ publishes, acks: acking(1) }));
  await store.step(noRoom);
  // What is left of the refused commit; then the power goes.
  await store.step();
  store.isStepwise = false;
  const next = await openOn(store);
  const [work, results] = [await next.streamInfo('s'), await next.streamInfo('other')];
  expect(work.messages + results.messages).toBe(2);
  await next.close();
  await store.step();
  await second;
});

async function openStepwise(): Promise<{ store: StepwiseStore; engine: EmbeddedEngine }> {
  const store = new StepwiseStore();
  const engine = await openOn(store);
  await engine.createStream('s', {});
  await engine.createStream('other', {});
  return { store, engine };
}

/** Asks for something while a publish is under way that the disk has no room for. @returns its answer or error */
async function whilePublishIsRefused<T>(
  store: StepwiseStore,
  engine: EmbeddedEngine,
  ask: () => Promise<T>,
): Promise<T | Error> {
  store.isStepwise = true;
  const publish = engine.publish({ bind: { stream: 'other' }, batch: batchOf('x') });
  const refused = expect(publish).rejects.toBe(noRoom);
  await turns(5);
  const answer = ask().catch((error) => error);
  await turns(5);
  await store.step(noRoom);
  await refused;
  return answer;
}
