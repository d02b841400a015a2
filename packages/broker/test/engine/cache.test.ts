import { describe, expect, test } from 'vitest';
import { batchOf, batchOfMany } from '../batches.ts';
import { FakeStore, openOn } from '../fake-store.ts';
import { RecordingFollower } from '../recording-follower.ts';
import { openTestEngine } from '../test-engine.ts';

const bind = { stream: 's' };
const KIB = 1024;

describe('a backlog that is larger than the cache', () => {
  test('is delivered whole, once and in order, and redelivered from the disk', async () => {
    await using broker = await openTestEngine('file', { cacheBytesMax: 4 * KIB });
    const { engine } = broker;
    await engine.createStream('s', {});
    const publishes = Array.from({ length: 300 }, (_, index) =>
      // Shared attributes keep the batches from being joined into one.
      engine.publish({ bind, batch: { ...batchOfMany(10, `${index}.${'x'.repeat(50)}.`), shared } }),
    );
    await Promise.all(publishes);
    const follower = await RecordingFollower.follow(engine, bind, { credit: 3_000 });
    await follower.until(3_000);
    expect(follower.sequences).toEqual(Array.from({ length: 3_000 }, (_, index) => index + 1));
    const bodies = new Set(follower.bodies);
    expect(bodies.size).toBe(3_000);
    // Every third message fails, so that the redeliveries lie all over what is on disk.
    const nacked = follower.deliveries.filter(({ sequence }) => sequence % 3 === 0);
    await follower.ack(...follower.deliveries.filter(({ sequence }) => sequence % 3 !== 0));
    await follower.nack(nacked);
    follower.credit(1_000);
    await follower.until(4_000);
    const again = follower.deliveries.slice(3_000);
    expect(again.map(({ sequence, body }) => [sequence, body])).toEqual(
      nacked.map(({ sequence, body }) => [sequence, body]),
    );
    expect(new Set(again.map(({ attempt }) => attempt))).toEqual(new Set([2]));
    await follower.ack(...again);
    expect(await engine.streamInfo('s')).toMatchObject({ messages: 0, bytes: 0 });
  });

  test('is read in runs larger than a read-ahead, by many followers of two streams at once', async () => {
    await using broker = await openTestEngine('file', { cacheBytesMax: 64 * KIB });
    const { engine } = broker;
    const body = 'x'.repeat(8 * KIB);
    for (const stream of ['a', 'b']) {
      await engine.createStream(stream, {});
      for (let i = 0; i < 20; i++) {
        const bodies = Array.from({ length: 40 }, (_, index) => `${i * 40 + index + 1} ${body}`);
        await engine.publish({ bind: { stream }, batch: batchOf(...bodies) });
      }
    }
    await broker.restart();
    const total = 20 * 40;
    for (const stream of ['a', 'b']) {
      const seen = new Set<number>();
      const acks: Promise<unknown>[] = [];
      const followers = await Promise.all(
        [1, 7, 200].map(() => RecordingFollower.follow(broker.engine, { stream })),
      );
      const { promise, resolve } = Promise.withResolvers<void>();
      for (const follower of followers) {
        follower.onRun = (deliveries) => {
          for (const { sequence, body: got } of deliveries) {
            if (!got.startsWith(`${sequence} `)) throw new Error(`${sequence} is ${got.slice(0, 20)}`);
            seen.add(sequence);
          }
          acks.push(follower.ack(...deliveries));
          setImmediate(() => follower.credit(deliveries.length));
          if (seen.size === total) resolve();
        };
      }
      for (const [index, credit] of [1, 7, 200].entries()) followers[index]!.credit(credit);
      await promise;
      await Promise.all(acks);
      const count = followers.reduce((sum, { deliveries }) => sum + deliveries.length, 0);
      expect(count).toBe(total);
    }
    for (const stream of ['a', 'b'])
      expect(await broker.engine.streamInfo(stream)).toMatchObject({ bytes: 0 });
  });

  test('that is purged while it is read brings nothing back', async () => {
    const store = new FakeStore();
    const engine = await openOn(store, { cacheBytesMax: 1 });
    await engine.createStream('s', {});
    for (let i = 0; i < 5; i++) await engine.publish({ bind, batch: batchOfMany(2) });
    const follower = await RecordingFollower.follow(engine, bind);
    const reading = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    store.beforeRead = () => {
      reading.resolve();
      return goOn.promise;
    };
    follower.credit(100);
    await reading.promise;
    expect(await engine.purgeStream({ stream: 's' })).toBe(10);
    goOn.resolve();
    await engine.publish({ bind, batch: batchOf('after') });
    await follower.until(1);
    expect(follower.deliveries).toMatchObject([{ sequence: 11, body: 'after' }]);
    expect(await engine.streamInfo('s')).toMatchObject({ messages: 1, groups: [{ lag: 0, pending: 1 }] });
    await engine.close();
  });

  test('of a stream that is deleted while it is read does no harm', async () => {
    const store = new FakeStore();
    const engine = await openOn(store, { cacheBytesMax: 1 });
    await engine.createStream('s', {});
    for (let i = 0; i < 5; i++) await engine.publish({ bind, batch: batchOfMany(2) });
    const follower = await RecordingFollower.follow(engine, bind);
    const reading = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    store.beforeRead = () => {
      reading.resolve();
      return goOn.promise;
    };
    follower.credit(100);
    await reading.promise;
    await engine.deleteStream('s');
    goOn.resolve();
    await engine.createStream('s', {});
    await engine.publish({ bind, batch: batchOf('new') });
    const other = await RecordingFollower.follow(engine, bind, { credit: 100 });
    await other.until(1);
    expect(other.deliveries).toMatchObject([{ sequence: 1, body: 'new' }]);
    expect(follower.deliveries).toEqual([]);
    await engine.close();
  });
});

const shared: Buffer = Buffer.from([0x80]);
