import { StorageFull } from '@simplemq/protocol';
import { expect, test } from 'vitest';
import type { EmbeddedEngine } from '../../src/engine/embedded-engine.ts';
import { batchOf } from '../batches.ts';
import { FakeStore, openOn } from '../fake-store.ts';
import { RecordingFollower } from '../recording-follower.ts';
import { openTestEngine, turns } from '../test-engine.ts';

const bind = { stream: 's' };
const KIB = 1024;

test('delayed messages come, though they take more than half of what there may be', async () => {
  await using broker = await openTestEngine('file', { storageBytesMax: 2_048 * KIB });
  const { engine } = broker;
  await engine.createStream('s', {});
  const batch = batchOf({ body: 'x'.repeat(256 * KIB), delayMs: 300 });
  for (let i = 0; i < 6; i++) await engine.publish({ bind, batch });
  const follower = await RecordingFollower.follow(engine, bind, { credit: 10 });
  await follower.until(6);
  expect(await engine.streamInfo('s')).toMatchObject({ messages: 6, delayed: 0 });
});

test('what is rejected is buried, and redriven, while publishes are refused', async () => {
  await using broker = await openTestEngine('file', { storageBytesMax: 1_024 * KIB });
  const { engine } = broker;
  await engine.createStream('s', {});
  const follower = await RecordingFollower.follow(engine, bind, { credit: 1_000 });
  const body = 'x'.repeat(16 * KIB);
  let messages = 0;
  for (let isFull = false; !isFull; ) {
    await engine.publish({ bind, batch: batchOf(body) }).then(
      () => messages++,
      () => {
        isFull = true;
      },
    );
  }
  await follower.until(messages);
  expect(engine.health().isFull).toBe(true);
  await follower.reject(follower.deliveries);
  expect(await engine.streamInfo('s')).toMatchObject({ messages: 0 });
  expect(engine.health().isFull).toBe(true);
  expect(await engine.redrive({ stream: 's' })).toMatchObject({ messages });
  await follower.until(2 * messages);
  await expect(engine.publish({ bind, batch: batchOf(body) })).rejects.toMatchObject({ code: 'StorageFull' });
});

test('what only moves is not held up by publishes that have no room and keep coming', async () => {
  const store = new FakeStore();
  const engine = await openOn(store);
  await engine.createStream('s', {});
  await engine.publish({ bind, batch: batchOf('rejected', { body: 'delayed', delayMs: 100 }) });
  const follower = await RecordingFollower.follow(engine, bind, { credit: 10 });
  const [rejected] = await follower.until(1);
  // A commit takes longer than it takes for the next publish to come.
  store.beforeCommit = async ({ batches, delayed }, movedBytes) => {
    await turns(2);
    const bytes = [...batches, ...delayed].reduce((sum, { batch }) => sum + batch.bytes, 0);
    if (bytes > movedBytes) throw new StorageFull('no room');
  };
  const flood = floodWithPublishes(engine);
  await follower.reject([rejected!]);
  await follower.until(2);
  expect(await engine.redrive({ stream: 's' })).toMatchObject({ messages: 1 });
  await follower.until(3);
  expect(follower.bodies).toEqual(['rejected', 'delayed', 'rejected']);
  await flood.end();
  await engine.close();
});

/** Publishes in every turn of the event loop until it is ended; all of that is refused. */
function floodWithPublishes(engine: EmbeddedEngine): { end(): Promise<void> } {
  let isOver = false;
  const flood = async (): Promise<void> => {
    const refused: Promise<void>[] = [];
    while (!isOver) {
      const publish = engine.publish({ bind: { stream: 's' }, batch: batchOf('x') });
      refused.push(expect(publish).rejects.toMatchObject({ code: 'StorageFull' }));
      await turns(1);
    }
    await Promise.all(refused);
  };
  const flooding = flood();
  return {
    end() {
      isOver = true;
      return flooding;
    },
  };
}
