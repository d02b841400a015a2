import { expect, test } from 'vitest';
import { batchOf } from '../batches.ts';
import { RecordingFollower } from '../recording-follower.ts';
import { openTestEngine, turns } from '../test-engine.ts';

test('a stream that expires at once with its dead letters is deleted, and the broker runs on', async () => {
  await using broker = await openTestEngine('memory');
  const { engine } = broker;
  await engine.createStream('s', { expireAfterMs: 1 });
  await engine.publish({ bind: { stream: 's' }, batch: batchOf('x') });
  const follower = await RecordingFollower.follow(engine, { stream: 's' }, { credit: 1 });
  await follower.until(1);
  await follower.reject(follower.deliveries);
  await engine.updateStream('$dead.s', { expireAfterMs: 1 });
  follower.close();
  await broker.event('streamDeleted');
  await turns(20);
  expect(broker.events.filter(({ type }) => type === 'failed')).toEqual([]);
  expect(await engine.listStreams({})).toMatchObject({ streams: [] });
});
