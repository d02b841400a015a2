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

test.each(['nack', 'release', 'reject'] as const)(
  'a message that has the number of one of a deleted stream comes again after its %s, and a late ack of that one',
  async (kind) => {
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
    // The new message is handed back first, then the old one is acked.
    const { engineFollower } = follower;
    if (kind === 'nack') await engineFollower.nack(entries, { delayMs: 0 });
    else await engineFollower[kind](entries, {});
    await follower.until(3);
    expect(await engineFollower.ack(entries)).toEqual(entries);
    expect(follower.deliveries[2]).toMatchObject({ stream: 's', sequence: 1, body: 'new' });
    expect(await engine.streamInfo('s')).toMatchObject({ messages: 1 });
  },
);
