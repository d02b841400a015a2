import { expect, test } from 'vitest';
import { batchOfMany } from '../batches.ts';
import { RecordingFollower } from '../recording-follower.ts';
import { openTestEngine } from '../test-engine.ts';

test.each(['memory', 'file'] as const)(
  'whatever the order of acks, nothing is left when all are acked (%s)',
  async (kind) => {
    await using broker = await openTestEngine(kind);
    const { engine } = broker;
    await engine.createStream('s', {});
    const follower = await RecordingFollower.follow(engine, { stream: 's' }, { credit: 100_000 });
    // The last batch begins within reach of the first and ends beyond it.
    for (const count of [1, 59_998, 10_000]) {
      await engine.publish({ bind: { stream: 's' }, batch: batchOfMany(count) });
    }
    await follower.until(69_999);
    const ack = (first: number, last: number) =>
      follower.engineFollower.ack([{ stream: 's', ranges: [{ first, last, attempt: 1 }] }]);
    await ack(2, 59_999);
    await ack(65_501, 69_999);
    await Promise.all([ack(1, 1), ack(60_000, 65_500)]);
    expect(await engine.streamInfo('s')).toMatchObject({ messages: 0, bytes: 0 });
  },
);
