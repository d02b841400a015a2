import { StorageFull } from '@simplemq/protocol';
import { expect, test } from 'vitest';
import type { EmbeddedEngine } from '../../src/engine/embedded-engine.ts';
import { batchOf } from '../batches.ts';
import { openOn } from '../fake-store.ts';
import { RecordingFollower, rangesOf } from '../recording-follower.ts';
import { StepwiseStore } from '../stepwise-store.ts';
import { turns } from '../test-engine.ts';

const bind = { stream: 's' };
const noRoom = new StorageFull('no room');

test('a delayed message of a memory stream whose publish was refused does not come', async () => {
  const store = new StepwiseStore();
  const engine = await openOn(store);
  await engine.createStream('s', { storage: 'memory' });
  await engine.createStream('file', {});
  const follower = await RecordingFollower.follow(engine, bind, { credit: 10 });
  store.isStepwise = true;
  // All of them are one commit.
  const filed = engine.publish({ bind: { stream: 'file' }, batch: batchOf('x') }).catch((error) => error);
  const refused = engine.publish({ bind, batch: batchOf({ body: 'a', delayMs: 1 }) }).catch((error) => error);
  await store.step(noRoom);
  expect([await filed, await refused]).toEqual([noRoom, noRoom]);
  store.isStepwise = false;
  await store.step();
  await engine.publish({ bind, batch: batchOf({ body: 'b', delayMs: 2 }) });
  await follower.until(1);
  await turns(20);
  expect(follower.bodies).toEqual(['b']);
  expect(await engine.streamInfo('s')).toMatchObject({ messages: 1, delayed: 0 });
  await engine.close();
});

test('a delayed message of a memory stream does not come while its publish may be refused', async () => {
  const store = new StepwiseStore();
  const engine = await openOn(store);
  await engine.createStream('s', { storage: 'memory' });
  await engine.createStream('file', {});
  const follower = await RecordingFollower.follow(engine, bind, { credit: 10 });
  await engine.publish({ bind, batch: batchOf({ body: 'first', delayMs: 40 }) });
  store.isStepwise = true;
  const filed = engine.publish({ bind: { stream: 'file' }, batch: batchOf('x') }).catch((error) => error);
  const refused = engine.publish({ bind, batch: batchOf({ body: 'a', delayMs: 1 }) }).catch((error) => error);
  // The first is due meanwhile, and what is due with it is looked for.
  const isDue = performance.now() + 80;
  while (performance.now() < isDue) await turns(1);
  await store.step(noRoom);
  expect([await filed, await refused]).toEqual([noRoom, noRoom]);
  store.isStepwise = false;
  await store.step();
  await follower.until(1);
  await turns(20);
  expect(follower.bodies).toEqual(['first']);
  expect(await engine.streamInfo('s')).toMatchObject({ messages: 1, delayed: 0 });
  await engine.close();
});

test.each(['redrive', 'deleteDeadLetters'] as const)(
  'dead letters count right when some are purged while a %s of others is under way',
  async (kind) => {
    const { store, engine } = await withDeadLetters('1', '2', '3');
    store.isStepwise = true;
    const purged = engine.purgeStream({ stream: '$dead.s', sequence: 3 });
    await turns(5);
    const moved = engine[kind]({ stream: 's', limit: 1 });
    await store.step();
    store.isStepwise = false;
    await store.step();
    await Promise.all([purged, moved]);
    expect(await toldAndThere(engine, '$dead.s')).toEqual([0, 0]);
    await engine.close();
  },
);

test.each(['redrive', 'deleteDeadLetters'] as const)(
  'dead letters that are purged while a %s reads them are gone, and counted as none',
  async (kind) => {
    const { store, engine } = await withDeadLetters('dead');
    const isPurged = Promise.withResolvers<void>();
    let isHeld = true;
    const { read } = store;
    store.read = async (request) => {
      const found = await read.call(store, request);
      if (isHeld) await isPurged.promise;
      return found;
    };
    const moved = engine[kind]({ stream: 's' });
    await turns(5);
    isHeld = false;
    const purged = engine.purgeStream({ stream: '$dead.s' });
    await turns(20);
    isPurged.resolve();
    await Promise.all([purged, moved]);
    expect(await toldAndThere(engine, '$dead.s')).toEqual([0, 0]);
    await engine.close();
  },
);

test('a follower by pattern can ack what it gets of a stream that was made anew while its namesake was refused', async () => {
  const store = new StepwiseStore();
  const engine = await openOn(store);
  await engine.createStream('other', {});
  const follower = await RecordingFollower.follow(engine, { pattern: 's*' }, { credit: 10 });
  store.isStepwise = true;
  const asked: Promise<unknown>[] = [
    engine.publish({ bind: { stream: 'other' }, batch: batchOf('x') }),
    engine.createStream('s1', {}),
  ];
  await turns(5);
  asked.push(engine.deleteStream('s1'), engine.createStream('s1', {}));
  const settled = Promise.allSettled(asked);
  await store.step(noRoom);
  store.isStepwise = false;
  await store.step();
  await settled;
  await engine.publish({ bind: { stream: 's1' }, batch: batchOf('x') });
  await follower.until(1);
  expect(await follower.ack(...follower.deliveries)).toEqual([]);
  await engine.close();
});

test('a message whose ack is refused comes again, though its group was reset on a broker that is busy all the time', async () => {
  const store = new StepwiseStore();
  const engine = await openOn(store);
  await engine.createStream('s', { retention: 'work' });
  await engine.createStream('results', {});
  await engine.createStream('busy', { dedupWindowMs: 60_000 });
  await engine.publish({ bind, batch: batchOf('a') });
  const follower = await RecordingFollower.follow(engine, bind, { credit: 10 });
  await follower.until(1);
  let published = 0;
  const beBusy = (): void => {
    const batch = batchOf({ body: 'x', messageId: `${published++}` });
    engine.publish({ bind: { stream: 'busy' }, batch }).catch(() => {});
  };
  store.isStepwise = true;
  beBusy();
  await turns(5);
  beBusy();
  let isReset = false;
  const reset = engine.resetGroup({ stream: 's', group: 'workers', startFrom: 'first' });
  void reset.then(() => {
    isReset = true;
  });
  const acks = [{ follower: follower.engineFollower, entries: rangesOf(follower.deliveries) }];
  const publishes = [{ bind: { stream: 'results' }, batch: batchOf('result') }];
  let transaction: Promise<unknown> | undefined;
  for (let i = 0; i < 110 && !isReset; i++) {
    beBusy();
    if (i === 100) transaction = engine.transaction({ publishes, acks }).catch((error) => error);
    await store.step(i === 101 ? noRoom : undefined);
  }
  store.isStepwise = false;
  await store.step();
  await transaction;
  await reset;
  await follower.until(2);
  expect(await engine.streamInfo('s')).toMatchObject({ messages: 1 });
  await engine.close();
});

test('a stream that is new has no groups of one that never came to be', async () => {
  const store = new StepwiseStore();
  const engine = await openOn(store);
  await engine.createStream('results', {});
  store.isStepwise = true;
  const asked: Promise<unknown>[] = [engine.publish({ bind: { stream: 'results' }, batch: batchOf('x') })];
  await turns(5);
  asked.push(engine.createStream('s', { retention: 'work' }));
  for (const group of ['a', 'b']) asked.push(engine.createGroup({ stream: 's', group }));
  await turns(3);
  asked.push(engine.deleteGroup('s', 'b'));
  for (const each of asked) each.catch(() => {});
  await store.step(noRoom);
  // What is left of the refused commit; then the power goes.
  await store.step();
  store.isStepwise = false;
  const next = await openOn(store);
  expect((await next.listStreams({})).streams.map(({ name }) => name)).toEqual(['results']);
  await next.createStream('t', {});
  await next.close();
  const third = await openOn(store);
  expect((await third.streamInfo('t')).groups).toEqual([]);
  await third.close();
});

async function withDeadLetters(
  ...bodies: readonly string[]
): Promise<{ store: StepwiseStore; engine: EmbeddedEngine }> {
  const store = new StepwiseStore();
  const engine = await openOn(store);
  await engine.createStream('s', { retention: 'work' });
  await engine.publish({ bind, batch: batchOf(...bodies) });
  const follower = await RecordingFollower.follow(engine, bind, { credit: 10 });
  await follower.until(bodies.length);
  await follower.reject(follower.deliveries);
  return { store, engine };
}

/** How many messages the stream says it has, and how many can be read. */
async function toldAndThere(engine: EmbeddedEngine, stream: string): Promise<number[]> {
  const [{ messages }, { runs }] = await Promise.all([engine.streamInfo(stream), engine.read({ stream })]);
  return [messages, runs.reduce((sum, { count }) => sum + count, 0)];
}
