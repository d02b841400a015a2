import { describe, expect, test } from 'vitest';
import { batchOf, batchOfMany } from '../batches.ts';
import { RecordingFollower, rangesOf } from '../recording-follower.ts';
import { openTestEngine, STORES } from '../test-engine.ts';

const bind = { stream: 'jobs' };

describe.each(STORES)('a lease (%s)', (kind) => {
  test('expires, and the message goes to another follower one attempt further', async () => {
    await using broker = await openTestEngine(kind);
    const { engine } = broker;
    await engine.createStream('jobs', {});
    const hung = await RecordingFollower.follow(engine, bind, { credit: 2, leaseMs: 100 });
    await engine.publish({ bind, batch: batchOfMany(2) });
    await hung.until(2);
    const other = await RecordingFollower.follow(engine, bind, { credit: 10 });
    expect(await broker.event('redelivered')).toMatchObject({
      stream: 'jobs',
      messages: 2,
      cause: 'expired',
    });
    await other.until(2);
    expect(other.deliveries.map(({ sequence, attempt }) => [sequence, attempt])).toEqual([
      [1, 2],
      [2, 2],
    ]);
  });

  test('is fenced: what its old holder says of it later is stale and changes nothing', async () => {
    await using broker = await openTestEngine(kind);
    const { engine } = broker;
    await engine.createStream('jobs', {});
    const hung = await RecordingFollower.follow(engine, bind, { credit: 1, leaseMs: 100 });
    await engine.publish({ bind, batch: batchOf('work') });
    await hung.until(1);
    const other = await RecordingFollower.follow(engine, bind, { credit: 1 });
    await other.until(1);
    const late = rangesOf(hung.deliveries);
    // As its attempt, and as the attempt that it has become.
    const forged = [{ stream: 'jobs', ranges: [{ first: 1, last: 1, attempt: 2 }] }];
    for (const entries of [late, forged]) {
      expect(await hung.engineFollower.ack(entries)).toEqual(entries);
      expect(await hung.engineFollower.nack(entries, {})).toEqual(entries);
      expect(await hung.engineFollower.extend(entries)).toEqual(entries);
      expect(await hung.engineFollower.release(entries)).toEqual(entries);
    }
    const { entries } = await engine.pending({ stream: 'jobs' });
    expect(entries).toMatchObject([{ first: 1, last: 1, attempt: 2, follower: other.id }]);
    expect(await other.ack(...other.deliveries)).toEqual([]);
    expect(await engine.streamInfo('jobs')).toMatchObject({ messages: 0 });
  });

  test('is fenced against its own holder too, when the message came back to it', async () => {
    await using broker = await openTestEngine(kind);
    const { engine } = broker;
    await engine.createStream('jobs', {});
    const follower = await RecordingFollower.follow(engine, bind, { credit: 2, leaseMs: 100 });
    await engine.publish({ bind, batch: batchOf('work') });
    await follower.until(2);
    const [first, second] = follower.deliveries;
    expect(second).toMatchObject({ sequence: 1, attempt: 2 });
    // Both in the turn of the second delivery, whose lease does not wait for the disk.
    const [late, inTime] = await Promise.all([follower.ack(first!), follower.ack(second!)]);
    expect(late).toEqual(rangesOf([first!]));
    expect(inTime).toEqual([]);
  });

  test('that is extended lasts as long again, also for a part of a delivery', async () => {
    await using broker = await openTestEngine(kind);
    const { engine } = broker;
    await engine.createStream('jobs', {});
    const follower = await RecordingFollower.follow(engine, bind, { credit: 3, leaseMs: 300 });
    await engine.publish({ bind, batch: batchOfMany(3) });
    await follower.until(3);
    const [, middle] = follower.deliveries;
    // The one in the middle is extended until the others have come back.
    const other = new RecordingFollower();
    const timer = setInterval(() => void follower.extend(middle!), 50);
    await other.start(engine, bind, { credit: 10 });
    await other.until(2);
    clearInterval(timer);
    expect(other.sequences).toEqual([1, 3]);
    expect(await follower.ack(middle!)).toEqual([]);
  });

  test('ends with its follower, at once', async () => {
    await using broker = await openTestEngine(kind);
    const { engine } = broker;
    await engine.createStream('jobs', {});
    const leaving = await RecordingFollower.follow(engine, bind, { credit: 5 });
    await engine.publish({ bind, batch: batchOfMany(5) });
    await leaving.until(5);
    await leaving.ack(leaving.deliveries[2]!);
    const other = await RecordingFollower.follow(engine, bind, { credit: 10 });
    leaving.close();
    await other.until(4);
    expect(other.sequences).toEqual([1, 2, 4, 5]);
    expect(other.attempts).toEqual([2, 2, 2, 2]);
    expect(broker.events).toContainEqual(expect.objectContaining({ messages: 4, cause: 'disconnected' }));
  });

  test('that is nacked with a delay comes back after it, with a message nacked at once before it', async () => {
    await using broker = await openTestEngine(kind);
    const { engine } = broker;
    await engine.createStream('jobs', {});
    const follower = await RecordingFollower.follow(engine, bind, { credit: 4 });
    await engine.publish({ bind, batch: batchOfMany(2) });
    await follower.until(2);
    const [first, second] = follower.deliveries;
    const nackedAt = performance.now();
    await Promise.all([follower.nack([first!], 30), follower.nack([second!])]);
    await follower.until(4);
    expect(performance.now() - nackedAt).toBeGreaterThanOrEqual(30);
    expect(follower.sequences).toEqual([1, 2, 2, 1]);
    expect(follower.attempts).toEqual([1, 1, 2, 2]);
  });

  test('that is released comes back in the same attempt', async () => {
    await using broker = await openTestEngine(kind);
    const { engine } = broker;
    await engine.createStream('jobs', {});
    const slow = await RecordingFollower.follow(engine, bind, { credit: 3 });
    await engine.publish({ bind, batch: batchOfMany(3) });
    await slow.until(3);
    const other = await RecordingFollower.follow(engine, bind, { credit: 10 });
    await slow.release(...slow.deliveries.slice(1));
    await other.until(2);
    expect(other.sequences).toEqual([2, 3]);
    expect(other.attempts).toEqual([1, 1]);
    expect((await engine.streamInfo('jobs')).groups[0]).toMatchObject({ redelivered: 0, pending: 3 });
  });

  test('lasts 100 ms at the least, and a day at the most', async () => {
    await using broker = await openTestEngine(kind);
    const { engine } = broker;
    await engine.createStream('jobs', {});
    for (const leaseMs of [0, 99, 24 * 60 * 60 * 1000 + 1]) {
      await expect(RecordingFollower.follow(engine, bind, { leaseMs })).rejects.toMatchObject({
        code: 'InvalidOption',
        details: { option: 'leaseMs' },
      });
    }
  });

  test('an ack of all the sequence numbers that there can be is answered at once', async () => {
    await using broker = await openTestEngine(kind);
    const { engine } = broker;
    await engine.createStream('jobs', {});
    const follower = await RecordingFollower.follow(engine, bind, { credit: 1 });
    await engine.publish({ bind, batch: batchOfMany(2) });
    await follower.until(1);
    const all = [{ stream: 'jobs', ranges: [{ first: 1, last: Number.MAX_SAFE_INTEGER, attempt: 1 }] }];
    const rest = [{ first: 2, last: Number.MAX_SAFE_INTEGER, attempt: 1 }];
    expect(await follower.engineFollower.extend(all)).toEqual([{ stream: 'jobs', ranges: rest }]);
    expect(await follower.engineFollower.ack(all)).toEqual([{ stream: 'jobs', ranges: rest }]);
    expect(await follower.engineFollower.nack(all, {})).toEqual(all);
  });
});
