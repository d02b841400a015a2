import { expect, test } from 'vitest';
import { batchOf } from '../batches.ts';
import { FakeStore, openOn } from '../fake-store.ts';
import { RecordingFollower } from '../recording-follower.ts';
import { turns } from '../test-engine.ts';

test('a message that was dropped while the broker stopped does not come again after the restart', async () => {
  const store = new FakeStore();
  const engine = await openOn(store);
  await engine.createStream('s', {});
  await engine.createGroup({ stream: 's', group: 'workers' });
  await engine.publish({ bind: { stream: 's' }, batch: batchOf('oldest', 'older', 'newest') });
  await engine.close();

  // What is to be dropped has to be read, which takes until the broker has stopped.
  const stopping = await openOn(store);
  const [asked, read] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  store.beforeRead = () => {
    asked.resolve();
    return read.promise;
  };
  await stopping.updateStream('s', { maxMessages: 2, overflow: 'drop-oldest' });
  await asked.promise;
  await stopping.close();
  read.resolve();
  await turns(10);

  const next = await openOn(store);
  const { firstSequence, messages } = await next.streamInfo('s');
  const follower = await RecordingFollower.follow(next, { stream: 's' }, { credit: 10 });
  await follower.until(messages);
  await turns(10);
  expect(follower.sequences.filter((sequence) => sequence < firstSequence)).toEqual([]);
  await next.close();
});
