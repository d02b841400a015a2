import { expect, test } from 'vitest';
import type { Engine } from '../../src/engine/engine.ts';
import { batchOf } from '../batches.ts';
import { RecordingFollower } from '../recording-follower.ts';
import { openTestEngine } from '../test-engine.ts';

/** What a message of the deleted stream, and of the one that is there, is called by a settlement. */
const entries = [{ stream: 's', ranges: [{ first: 1, last: 1, attempt: 1 }] }];

test('a late ack of a deleted stream settles nothing of its namesake', async () => {
  await using broker = await openTestEngine('memory');
  const { engine } = broker;
  const { engineFollower } = await followNamesakes(engine);
  // The old message is extended and acked, then the new one is acked.
  await engineFollower.extend(entries);
  expect(await engineFollower.ack(entries)).toEqual(entries);
  expect(await engine.streamInfo('s')).toMatchObject({ messages: 1 });
  expect(await engineFollower.ack(entries)).toEqual([]);
  expect(await engine.streamInfo('s')).toMatchObject({ messages: 0 });
});

test.each(['nack', 'release', 'reject'] as const)(
  'a message that has the number of one of a deleted stream comes again after its %s, and a late ack of that one',
  async (kind) => {
    await using broker = await openTestEngine('memory');
    const { engine } = broker;
    const follower = await followNamesakes(engine);
    const { engineFollower } = follower;
    // The new message is handed back first, then the old one is acked.
    if (kind === 'nack') await engineFollower.nack(entries, { delayMs: 0 });
    else await engineFollower[kind](entries, {});
    await follower.until(3);
    expect(await engineFollower.ack(entries)).toEqual(entries);
    expect(follower.deliveries[2]).toMatchObject({ stream: 's', sequence: 1, body: 'new' });
    expect(await engine.streamInfo('s')).toMatchObject({ messages: 1 });
  },
);

test('a late reject of a deleted stream brings nothing of its namesake to the dead letters', async () => {
  await using broker = await openTestEngine('memory');
  const { engine } = broker;
  const follower = await followNamesakes(engine);
  // The new message is acked first, which is taken for the old one's.
  expect(await follower.engineFollower.ack(entries)).toEqual(entries);
  await follower.engineFollower.reject(entries, {});
  await follower.until(3);
  expect((await engine.deadLetters({ stream: 's' })).runs).toEqual([]);
  expect(follower.deliveries[2]).toMatchObject({ stream: 's', sequence: 1, attempt: 2, body: 'new' });
});

test('a transaction is refused once for a message of a deleted stream, and then acks its namesake', async () => {
  await using broker = await openTestEngine('memory');
  const { engine } = broker;
  const { engineFollower } = await followNamesakes(engine);
  await engine.createStream('results', {});
  const publishes = [{ bind: { stream: 'results' }, batch: batchOf('result') }];
  const transaction = () => engine.transaction({ publishes, acks: [{ follower: engineFollower, entries }] });
  await expect(transaction()).rejects.toMatchObject({ code: 'StaleAck' });
  await transaction();
  expect(await engine.streamInfo('s')).toMatchObject({ messages: 0 });
});

test('a late ack of what a follower held before its group was moved settles nothing of what came after', async () => {
  await using broker = await openTestEngine('memory');
  const { engine } = broker;
  await engine.createStream('s', {});
  await engine.publish({ bind: { stream: 's' }, batch: batchOf('again') });
  const follower = await RecordingFollower.follow(engine, { stream: 's' }, { group: 'g', credit: 100 });
  await follower.until(1);
  await engine.resetGroup({ stream: 's', group: 'g', startFrom: 'first' });
  await follower.until(2);
  expect(await follower.engineFollower.ack(entries)).toEqual(entries);
  expect(await engine.streamInfo('s')).toMatchObject({ messages: 1 });
  expect(await follower.engineFollower.ack(entries)).toEqual([]);
  expect(await engine.streamInfo('s')).toMatchObject({ messages: 0 });
});

/** A follower that holds a message of a stream that was deleted, and one of the stream that came after it. */
async function followNamesakes(engine: Engine): Promise<RecordingFollower> {
  const bind = { stream: 's' };
  const follower = await RecordingFollower.follow(engine, { pattern: '.' }, { credit: 100 });
  await engine.createStream('s', {});
  await engine.publish({ bind, batch: batchOf('old') });
  await follower.until(1);
  await engine.deleteStream('s');
  await engine.createStream('s', {});
  await engine.publish({ bind, batch: batchOf('new') });
  await follower.until(2);
  return follower;
}
