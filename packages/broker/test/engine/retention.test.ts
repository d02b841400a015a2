import { afterEach, expect, test, vi } from 'vitest';
import { PendingEntries, type PendingSpan } from '../../src/group/pending-entries.ts';
import { batchOf, batchOfMany } from '../batches.ts';
import { RecordingFollower } from '../recording-follower.ts';
import { openTestEngine, STORES } from '../test-engine.ts';

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

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

test('a publish to a full stream looks at what goes, and not at all that waits', async () => {
  await using broker = await openTestEngine('memory');
  const { engine } = broker;
  const [bind, count] = [{ stream: 's' }, 2_000];
  await engine.createStream('s', { maxMessages: count, overflow: 'drop-oldest' });
  await engine.publish({ bind, batch: batchOfMany(count) });
  const follower = await RecordingFollower.follow(engine, bind, { credit: count });
  await follower.until(count);
  // Each on its own, so that they wait as so many ranges.
  for (const delivery of follower.deliveries) void follower.nack([delivery], 3_600_000);
  await engine.streamInfo('s');
  let looked = 0;
  const spansFrom = PendingEntries.prototype.spansFrom;
  vi.spyOn(PendingEntries.prototype, 'spansFrom').mockImplementation(function* (
    this: PendingEntries,
    first: number,
  ): Generator<PendingSpan> {
    for (const span of spansFrom.call(this, first)) {
      looked++;
      yield span;
    }
  });
  for (let i = 0; i < 20; i++) {
    await engine.publish({ bind, batch: batchOf('x') });
    expect(await engine.streamInfo('s')).toMatchObject({ messages: count });
  }
  expect(looked).toBeLessThanOrEqual(3 * 20);
});

test.each(STORES)('a maxAgeMs that is lowered counts for what is there already (%s)', async (kind) => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  await using broker = await openTestEngine(kind);
  const { engine } = broker;
  await engine.createStream('s', { maxAgeMs: 3_600_000, retention: 'log' });
  await engine.publish({ bind: { stream: 's' }, batch: batchOf('old') });
  // It is looked at, and found to be young.
  vi.advanceTimersByTime(1_000);
  expect(await engine.streamInfo('s')).toMatchObject({ messages: 1 });
  await engine.updateStream('s', { maxAgeMs: 1 });
  await new Promise((resolve) => setTimeout(resolve, 5));
  vi.advanceTimersByTime(1_000);
  await vi.waitFor(async () => expect(await engine.streamInfo('s')).toMatchObject({ messages: 0 }), 10_000);
});
