import { describe, expect, test } from 'vitest';
import { batchOfMany, sharingBatch } from '../batches.ts';
import { RecordingFollower } from '../recording-follower.ts';
import { publish } from './asking.ts';
import type { EngineKind } from './engine-kind.ts';
import { eventually, pass } from './waiting.ts';

const bind = { stream: 's' };
const HOUR_MS = 3_600_000;

export function ttl({ open, survives }: EngineKind): void {
  describe('a message with a ttl', () => {
    test('is not delivered after it, and those around it are', async () => {
      await using opened = await open();
      await opened.engine.createStream('s', {});
      const short = (body: string) => ({ body, ttlMs: 50 });
      const long = (body: string) => ({ body, ttlMs: HOUR_MS });
      await publish(opened.engine, 's', short('1'), '2', short('3'), short('4'), long('5'), short('6'));
      await opened.engine.publish({ bind, batch: sharingBatch({ ttlMs: 50 }, '7', long('8'), '9') });
      await pass(60);
      if (survives) await opened.restart();
      const { engine } = opened;
      const follower = await RecordingFollower.follow(engine, bind, { credit: 10 });
      await follower.until(3);
      expect(follower.bodies).toEqual(['2', '5', '8']);
      await follower.ack(...follower.deliveries);
      expect(await engine.groupInfo('s', 'workers')).toMatchObject({ expired: 6, lag: 0, pending: 0 });
      await eventually(async () => (await engine.streamInfo('s')).bytes === 0);
      expect(await engine.streamInfo('s')).toMatchObject({ messages: 0 });
    });

    test('is not delivered again after it', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      const options = { retry: { delayMs: 0 } };
      const follower = await RecordingFollower.follow(engine, bind, { credit: 10, options });
      await publish(engine, 's', { body: 'short', ttlMs: 2_000 }, { body: 'long', ttlMs: HOUR_MS }, 'none');
      await follower.until(3);
      await follower.nack(follower.deliveries, 2_100);
      await follower.until(5);
      expect(follower.bodies.slice(3)).toEqual(['long', 'none']);
      await follower.ack(...follower.deliveries.slice(3));
      expect(await engine.groupInfo('s', 'workers')).toMatchObject({ expired: 1, pending: 0 });
      await eventually(async () => (await engine.streamInfo('s')).messages === 0);
    });

    test('that expired is a loss of each group that had not got it', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      const quick = await RecordingFollower.follow(engine, bind, { group: 'quick', credit: 10 });
      await engine.createGroup({ stream: 's', group: 'slow' });
      await publish(engine, 's', { body: 'x', ttlMs: 2_000 });
      await quick.until(1);
      await pass(2_000);
      // What is in hand may be acked after its time.
      expect(await quick.ack(...quick.deliveries)).toEqual([]);
      expect(await engine.streamInfo('s')).toMatchObject({ messages: 1 });
      const slow = await RecordingFollower.follow(engine, bind, { group: 'slow', credit: 10 });
      await publish(engine, 's', 'y');
      await slow.until(1);
      expect(slow.bodies).toEqual(['y']);
      expect(await engine.groupInfo('s', 'quick')).toMatchObject({ expired: 0 });
      expect(await engine.groupInfo('s', 'slow')).toMatchObject({ expired: 1 });
    });

    test('expires behind others of its key', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      const options = { ordering: 'key' };
      const follower = await RecordingFollower.follow(engine, bind, { credit: 10, options });
      const of = (body: string, more = {}) => ({ body, key: 'k', ...more });
      await publish(engine, 's', of('1'), of('2', { ttlMs: 100 }), of('3'));
      await follower.until(1);
      await pass(110);
      await follower.ack(...follower.deliveries);
      await follower.until(2);
      expect(follower.bodies).toEqual(['1', '3']);
      await follower.ack(follower.deliveries[1]!);
      expect(await engine.groupInfo('s', 'workers')).toMatchObject({ expired: 1, lag: 0, pending: 0 });
    });

    test('costs nothing to pass over in thousands', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      const expiring = { ...batchOfMany(1_000), shared: sharingBatch({ ttlMs: 1 }, 'x').shared };
      for (let i = 0; i < 20; i++) await engine.publish({ bind, batch: expiring });
      await pass(2);
      await publish(engine, 's', 'last');
      const follower = await RecordingFollower.follow(engine, bind, { credit: 1 });
      await follower.until(1);
      expect(follower.deliveries).toMatchObject([{ sequence: 20_001, body: 'last' }]);
      expect(await engine.groupInfo('s', 'workers')).toMatchObject({ expired: 20_000, pending: 1 });
      await eventually(async () => (await engine.streamInfo('s')).messages === 1);
    });
  });
}
