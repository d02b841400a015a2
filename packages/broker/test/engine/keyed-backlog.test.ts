import { afterEach, expect, test, vi } from 'vitest';
import { KeyGate } from '../../src/group/key-gate.ts';
import { sharingBatch } from '../batches.ts';
import { RecordingFollower } from '../recording-follower.ts';
import { openTestEngine } from '../test-engine.ts';

const bind = { stream: 's' };
/** More than may wait for their keys. */
const COUNT = 100_100;

afterEach(() => {
  vi.restoreAllMocks();
});

test('a group that is made beside one with 100,100 messages of one key has them in order, and not all wait in memory', async () => {
  await using opened = await openTestEngine('memory');
  const { engine } = opened;
  await engine.createStream('s', {});
  const publish = (count: number) =>
    engine.publish({ bind, batch: sharingBatch({ key: 'k' }, ...Array.from({ length: count }, () => 'x')) });
  await publish(COUNT / 2);
  await publish(COUNT / 2);
  const read = Promise.withResolvers<void>();
  let count = 0;
  const sink = {
    deliver: (run: { count: number }) => {
      count += run.count;
      if (count === COUNT) read.resolve();
      return true;
    },
    ended: () => {},
  };
  await engine.follow({ bind, client: 'other', group: 'other', upTo: COUNT, bytesUpTo: 2 ** 40 }, sink);
  await read.promise;
  const park = vi.spyOn(KeyGate.prototype, 'park');
  await engine.createGroup({ stream: 's', group: 'keyed', options: { ordering: 'key' } });
  // What is fresh comes behind what was there.
  await publish(1);
  const keyed = await RecordingFollower.follow(engine, bind, { group: 'keyed', credit: 5 });
  for (let delivered = 1; delivered <= 5; delivered++) {
    await keyed.until(delivered);
    expect(park).toHaveBeenCalledTimes(100_000 + delivered - 1);
    await keyed.ack(keyed.deliveries.at(-1)!);
  }
  expect(keyed.sequences).toEqual([1, 2, 3, 4, 5]);
  // All that waits goes, and of what has yet to wait all but the last two.
  await engine.purgeStream({ stream: 's', sequence: COUNT - 1 });
  for (let delivered = 6; delivered <= 8; delivered++) await keyed.ack(await keyed.next());
  expect(keyed.sequences.slice(5)).toEqual([COUNT - 1, COUNT, COUNT + 1]);
  expect(await engine.groupInfo('s', 'keyed')).toMatchObject({ lag: 0, pending: 0 });
});
