import { expect, test } from 'vitest';
import { batchOf } from '../batches.ts';
import { RecordingFollower } from '../recording-follower.ts';
import { openTestEngine } from '../test-engine.ts';

test('a late ack of a deleted stream settles nothing of its namesake', async () => {
  await using broker = await openTestEngine('memory');
  const { engine } = broker;
  const bind = { stream: 's' };
  const entries = [{ stream: 's', ranges: [{ first: 1, last: 1, attempt: 1 }] }];
  const follower = await RecordingFollower.follow(engine, { pattern: '.' }, { credit: 100 });
  await engine.createStream('s', {});
  await engine.publish({ bind, batch: batchOf('old') });
  await follower.until(1);
  await engine.deleteStream('s');
  await engine.createStream('s', {});
  await engine.publish({ bind, batch: batchOf('new') });
  await follower.until(2);
  // The old message is extended and acked, then the new one is acked.
  expect(await follower.engineFollower.extend(entries)).toEqual(entries);
  expect(await follower.engineFollower.ack(entries)).toEqual(entries);
  expect(await engine.streamInfo('s')).toMatchObject({ messages: 1 });
  expect(await follower.engineFollower.ack(entries)).toEqual([]);
  expect(await engine.streamInfo('s')).toMatchObject({ messages: 0 });
});
