import { describe, expect, test } from 'vitest';
import { batchOfMany } from '../batches.ts';
import { RecordingFollower } from '../recording-follower.ts';
import { publish } from './asking.ts';
import type { EngineKind } from './engine-kind.ts';
import { Stopwatch } from './waiting.ts';

const bind = { stream: 's' };

/** To which of its followers a group hands messages, and how fast. */
export function handingOut({ open }: EngineKind): void {
  describe('an exclusive group', () => {
    test('gives all to the first follower, and to the next when that is gone', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      const follow = () =>
        RecordingFollower.follow(engine, bind, { credit: 3, options: { exclusive: true } });
      const [first, second, third] = [await follow(), await follow(), await follow()];
      await publish(engine, 's', '1', '2', '3', '4', '5');
      await first.until(3);
      await first.ack(first.deliveries[0]!);
      // It has no credit, and the others get nothing all the same.
      await publish(engine, 's', '6');
      expect([...second.deliveries, ...third.deliveries]).toEqual([]);
      first.credit(1);
      await first.until(4);
      second.close();
      first.close();
      await third.until(3);
      expect(third.sequences).toEqual([2, 3, 4]);
      expect(third.attempts).toEqual([2, 2, 2]);
      third.credit(10);
      await third.until(5);
      expect(third.sequences.slice(3)).toEqual([5, 6]);
      expect(second.deliveries).toEqual([]);
    });

    test('goes on in order when the connection of its follower is lost', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      const options = { exclusive: true, retry: { delayMs: 60_000 } };
      const first = await RecordingFollower.follow(engine, bind, { credit: 3, options });
      const second = await RecordingFollower.follow(engine, bind, { credit: 10, options });
      await publish(engine, 's', '1', '2', '3', '4', '5');
      await first.until(3);
      first.lose();
      await second.until(5);
      expect(second.sequences).toEqual([1, 2, 3, 4, 5]);
    });

    test('may become one, and cease to be one, while it is followed', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      const [first, second] = [
        await RecordingFollower.follow(engine, bind, { credit: 1 }),
        await RecordingFollower.follow(engine, bind, { credit: 10 }),
      ];
      await engine.updateGroup('s', 'workers', { exclusive: true });
      await publish(engine, 's', '1', '2');
      await first.until(1);
      expect(second.deliveries).toEqual([]);
      await engine.updateGroup('s', 'workers', { exclusive: false });
      await second.until(1);
      expect([...first.bodies, ...second.bodies]).toEqual(['1', '2']);
    });
  });

  describe('ratePerSecond', () => {
    test('lets no more through, over all followers together, redeliveries counted', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      const options = { ratePerSecond: 40, retry: { delayMs: 0 } };
      const followers = [
        await RecordingFollower.follow(engine, bind, { credit: 100, options }),
        await RecordingFollower.follow(engine, bind, { credit: 100, options }),
      ];
      let deliveries = 0;
      const { promise: all, resolve } = Promise.withResolvers<void>();
      for (const follower of followers) {
        follower.onRun = (run) => {
          const failed = run.filter(({ sequence, attempt }) => sequence % 5 === 0 && attempt === 1);
          if (failed.length > 0) void follower.fail(failed);
          deliveries += run.length;
          if (deliveries === 24) resolve();
        };
      }
      const watch = new Stopwatch();
      await engine.publish({ bind, batch: batchOfMany(20) });
      await all;
      // Two may go at once; the other 22 take at least 1 s / 40 each.
      expect(watch.ms).toBeGreaterThanOrEqual(22 * 25);
    });

    test('is of each group by itself, and can be lifted', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      const options = { ratePerSecond: 1 };
      const slow = await RecordingFollower.follow(engine, bind, { group: 'slow', credit: 100, options });
      const free = await RecordingFollower.follow(engine, bind, { group: 'free', credit: 100 });
      await engine.publish({ bind, batch: batchOfMany(60) });
      await free.until(60);
      await slow.until(1);
      expect(slow.deliveries.length).toBeLessThan(60);
      await engine.updateGroup('s', 'slow', { ratePerSecond: 0 });
      await slow.until(60);
      expect(slow.sequences).toEqual(free.sequences);
    });

    test('lets no burst through for each change of another option, or of the rate', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      const options = { ratePerSecond: 100 };
      const follower = await RecordingFollower.follow(engine, bind, { credit: 1_000, options });
      const watch = new Stopwatch();
      await engine.publish({ bind, batch: batchOfMany(1_000) });
      for (let i = 0; i < 20; i++) {
        await engine.updateGroup('s', 'workers', { retry: { delayMs: i }, ratePerSecond: 100 - (i % 2) });
        await engine.updateGroup('s', 'workers', { retry: { delayMs: 100 + i } });
      }
      // Five at once, and then one for each 10 ms.
      expect(follower.deliveries.length).toBeLessThanOrEqual(5 + Math.ceil(watch.ms / 10));
    });
  });
}
