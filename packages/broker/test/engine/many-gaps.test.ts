import { expect, test } from 'vitest';
import { batchOfMany } from '../batches.ts';
import { FakeStore, openOn } from '../fake-store.ts';
import { RecordingFollower } from '../recording-follower.ts';

const bind = { stream: 's' };
/** More than the arguments of one call may be. */
const GAPS = 130_000;

test('a group with 130,000 gaps in what it has acked lets others come, begin anew and go', async () => {
  // What lies on disk is removed by gaps: whether one holds a whole batch is not known.
  const engine = await openOn(new FakeStore(), { cacheBytesMax: 1 });
  await engine.createStream('s', {});
  for (let left = 2 * GAPS; left > 0; left -= 65_000) {
    await engine.publish({ bind, batch: batchOfMany(65_000) });
  }
  const deliveries = { count: 0, all: Promise.withResolvers<void>() };
  const sink = {
    deliver: ({ count }: { count: number }) => {
      deliveries.count += count;
      if (deliveries.count === 2 * GAPS) deliveries.all.resolve();
      return true;
    },
    ended: () => {},
  };
  const request = {
    bind,
    client: 'test',
    upTo: 2 * GAPS,
    bytesUpTo: Number.MAX_SAFE_INTEGER,
    group: 'gappy',
  };
  const gappy = await engine.follow(request, sink);
  await deliveries.all.promise;
  const ranges = Array.from({ length: GAPS }, (_, index) => ({
    first: 2 * index + 2,
    last: 2 * index + 2,
    attempt: 1,
  }));
  await gappy.ack([{ stream: 's', ranges }]);
  const options = { ordering: 'key' } as const;
  await engine.createGroup({ stream: 's', group: 'keyed', options });
  await engine.resetGroup({ stream: 's', group: 'keyed', startFrom: 'first' });
  const keyed = await RecordingFollower.follow(engine, bind, { group: 'keyed', credit: 3 });
  await keyed.until(3);
  expect(keyed.sequences).toEqual([1, 3, 5]);
  keyed.close();
  await engine.deleteGroup('s', 'keyed');
  expect(await engine.streamInfo('s')).toMatchObject({ messages: GAPS, groups: [{ name: 'gappy' }] });
  await engine.close();
});
