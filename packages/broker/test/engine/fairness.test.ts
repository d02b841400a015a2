import { describe, expect, test } from 'vitest';
import { batchOfMany } from '../batches.ts';
import { RecordingFollower } from '../recording-follower.ts';
import { openTestEngine, STORES } from '../test-engine.ts';

describe.each(STORES)('between the followers of a stream (%s)', (kind) => {
  test('one that is slow holds one message, and a quick one gets all the others', async () => {
    await using broker = await openTestEngine(kind);
    const { engine } = broker;
    await engine.createStream('jobs', {});
    const slow = await RecordingFollower.follow(engine, { stream: 'jobs' }, { credit: 1 });
    const quick = await RecordingFollower.follow(engine, { stream: 'jobs' }, { credit: 1 });
    quick.onRun = (deliveries) => {
      void quick.ack(...deliveries);
      setImmediate(() => quick.credit(1));
    };
    await engine.publish({ bind: { stream: 'jobs' }, batch: batchOfMany(1_000) });
    await quick.until(999);
    expect(slow.deliveries).toHaveLength(1);
    expect(new Set([...slow.sequences, ...quick.sequences]).size).toBe(1_000);
    await slow.ack(...slow.deliveries);
    expect(await engine.streamInfo('jobs')).toMatchObject({ messages: 0, bytes: 0 });
  });

  test('each takes a share of what is there, though the credit of one would cover it all', async () => {
    await using broker = await openTestEngine(kind);
    const { engine } = broker;
    await engine.createStream('jobs', {});
    const options = { credit: 100_000 };
    const followers = [
      await RecordingFollower.follow(engine, { stream: 'jobs' }, options),
      await RecordingFollower.follow(engine, { stream: 'jobs' }, options),
      await RecordingFollower.follow(engine, { stream: 'jobs' }, options),
    ];
    await engine.streamInfo('jobs');
    await new Promise((resolve) => setImmediate(resolve));
    await engine.publish({ bind: { stream: 'jobs' }, batch: batchOfMany(900) });
    for (const follower of followers) await follower.until(300);
    expect(followers.map(({ deliveries }) => deliveries.length)).toEqual([300, 300, 300]);
  });

  test('what one that has little credit cannot take of its share goes to the others', async () => {
    await using broker = await openTestEngine(kind);
    const { engine } = broker;
    await engine.createStream('jobs', {});
    const small = await RecordingFollower.follow(engine, { stream: 'jobs' }, { credit: 10 });
    const large = await RecordingFollower.follow(engine, { stream: 'jobs' }, { credit: 10_000 });
    await engine.publish({ bind: { stream: 'jobs' }, batch: batchOfMany(500) });
    await large.until(490);
    expect(small.deliveries).toHaveLength(10);
  });

  test('single messages go to them in turn', async () => {
    await using broker = await openTestEngine(kind);
    const { engine } = broker;
    await engine.createStream('jobs', {});
    const first = await RecordingFollower.follow(engine, { stream: 'jobs' }, { credit: 1_000 });
    const second = await RecordingFollower.follow(engine, { stream: 'jobs' }, { credit: 1_000 });
    await new Promise((resolve) => setImmediate(resolve));
    for (let i = 0; i < 100; i++) await engine.publish({ bind: { stream: 'jobs' }, batch: batchOfMany(1) });
    expect([first.deliveries.length, second.deliveries.length]).toEqual([50, 50]);
  });

  test('one whose sink is full gets nothing more until it is resumed, and the others do', async () => {
    await using broker = await openTestEngine(kind);
    const { engine } = broker;
    await engine.createStream('jobs', {});
    const full = await RecordingFollower.follow(engine, { stream: 'jobs' }, { credit: 1_000 });
    full.takes = false;
    await engine.publish({ bind: { stream: 'jobs' }, batch: batchOfMany(1) });
    await full.until(1);
    await engine.publish({ bind: { stream: 'jobs' }, batch: batchOfMany(2) });
    const other = await RecordingFollower.follow(engine, { stream: 'jobs' }, { credit: 1 });
    await other.until(1);
    expect(full.deliveries).toHaveLength(1);
    full.takes = true;
    full.engineFollower.resume();
    await full.until(2);
    expect(full.sequences).toEqual([1, 3]);
  });
});

describe.each(STORES)('between the streams of a follower (%s)', (kind) => {
  test('each is served in its turn, however much another has', async () => {
    await using broker = await openTestEngine(kind);
    const { engine } = broker;
    for (const name of ['a', 'b', 'c']) {
      await engine.createStream(name, {});
      await engine.publish({ bind: { stream: name }, batch: batchOfMany(100) });
    }
    const follower = await RecordingFollower.follow(engine, { pattern: '^.$' }, { credit: 1 });
    for (let given = 1; given < 30; given++) {
      await follower.until(given);
      follower.credit(1);
    }
    await follower.until(30);
    const counts = Map.groupBy(follower.deliveries, ({ stream }) => stream);
    expect([...counts.values()].map(({ length }) => length)).toEqual([10, 10, 10]);
  });
});

describe('credit', () => {
  test('for one message of ten thousand streams costs no walk through all of them', async () => {
    await using broker = await openTestEngine('memory');
    const { engine } = broker;
    const count = 10_000;
    await Promise.all(Array.from({ length: count }, (_, i) => engine.createStream(`s${i}`, {})));
    await engine.publish({ bind: { pattern: '^s' }, batch: batchOfMany(1) });
    const follower = await RecordingFollower.follow(engine, { pattern: '^s' }, { credit: 1 });
    await follower.until(1);
    // A walk for each is a hundred million steps.
    for (let given = 1; given < count; given++) follower.credit(1);
    await follower.until(count);
    expect(new Set(follower.deliveries.map(({ stream }) => stream)).size).toBe(count);
  });
});
