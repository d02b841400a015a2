import { describe, expect, test } from 'vitest';
import { batchOfMany } from '../batches.ts';
import { RecordingFollower } from '../recording-follower.ts';
import { publish } from './asking.ts';
import type { EngineKind } from './engine-kind.ts';
import { Stopwatch } from './waiting.ts';

const bind = { stream: 's' };

export function retries({ open, survives }: EngineKind): void {
  describe('retries', () => {
    test('wait longer each time, up to the longest that they may', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      const retry = { delayMs: 20, factor: 3, maxDelayMs: 100, jitter: 0 };
      const follower = await RecordingFollower.follow(engine, bind, { credit: 1, options: { retry } });
      await publish(engine, 's', 'x');
      await follower.until(1);
      const waits: number[] = [];
      for (let attempt = 1; attempt <= 4; attempt++) {
        const watch = new Stopwatch();
        await follower.fail([follower.deliveries.at(-1)!]);
        expect(await follower.next()).toMatchObject({ sequence: 1, attempt: attempt + 1 });
        waits.push(watch.ms);
      }
      for (const [index, least] of [20, 60, 100, 100].entries()) {
        expect(waits[index]).toBeGreaterThanOrEqual(least);
      }
    });

    test('by default wait a little, and a delay that a nack names goes before the policy', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      const follower = await RecordingFollower.follow(engine, bind, { credit: 3 });
      await publish(engine, 's', '1', '2', '3');
      await follower.until(3);
      const watch = new Stopwatch();
      const [first, second, third] = follower.deliveries;
      await Promise.all([follower.nack([first!], 200), follower.fail([second!]), follower.nack([third!], 0)]);
      follower.credit(3);
      // By default 50 to 100 ms.
      await follower.until(5);
      expect(watch.ms).toBeGreaterThanOrEqual(50);
      await follower.until(6);
      expect(watch.ms).toBeGreaterThanOrEqual(200);
      expect(follower.bodies.slice(3)).toEqual(['3', '2', '1']);
      expect(follower.attempts.slice(3)).toEqual([2, 2, 2]);
    });

    test('do not hold up other messages', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      const follower = await RecordingFollower.follow(engine, bind, { credit: 1 });
      await publish(engine, 's', 'fails', 'passes');
      await follower.until(1);
      await follower.nack([follower.deliveries[0]!], 60_000);
      expect(await follower.next()).toMatchObject({ body: 'passes', attempt: 1 });
    });

    test('of a lease that ran out go by the same policy', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      const options = { retry: { delayMs: 150, jitter: 0 } };
      const hung = await RecordingFollower.follow(engine, bind, { credit: 1, leaseMs: 100, options });
      await publish(engine, 's', 'x');
      await hung.until(1);
      const watch = new Stopwatch();
      const other = await RecordingFollower.follow(engine, bind, { credit: 1 });
      await other.until(1);
      expect(other.deliveries).toMatchObject([{ attempt: 2 }]);
      expect(watch.ms).toBeGreaterThanOrEqual(150);
    });

    test('of what a follower held whose client was lost go by the same policy', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      const options = { retry: { delayMs: 150, jitter: 0 } };
      const lost = await RecordingFollower.follow(engine, bind, { credit: 2, options });
      await publish(engine, 's', '1', '2');
      await lost.until(2);
      const other = await RecordingFollower.follow(engine, bind, { credit: 2 });
      const watch = new Stopwatch();
      lost.lose();
      await other.until(2);
      expect(watch.ms).toBeGreaterThanOrEqual(150);
      expect(other.attempts).toEqual([2, 2]);
    });

    test('of what a follower held that left come at once', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      const options = { retry: { delayMs: 3_600_000, maxDelayMs: 3_600_000 } };
      const leaving = await RecordingFollower.follow(engine, bind, { credit: 2, options });
      await publish(engine, 's', '1', '2');
      await leaving.until(2);
      const other = await RecordingFollower.follow(engine, bind, { credit: 2 });
      leaving.close();
      await other.until(2);
      expect(other.attempts).toEqual([2, 2]);
    });

    test('are not spent by what was handed back unstarted', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      const options = { retry: { maxDeliveries: 2, delayMs: 60_000 } };
      const follower = await RecordingFollower.follow(engine, bind, { credit: 1, options });
      await publish(engine, 's', 'x');
      await follower.until(1);
      for (let i = 0; i < 5; i++) {
        await follower.release(follower.deliveries.at(-1)!);
        expect(await follower.next()).toMatchObject({ attempt: 1 });
      }
      expect(await engine.groupInfo('s', 'workers')).toMatchObject({ redelivered: 0, deadLettered: 0 });
      expect(await follower.ack(follower.deliveries.at(-1)!)).toEqual([]);
    });

    test('go on with the attempt that they were in, and wait as long as they had to, over a restart', async () => {
      if (!survives) return;
      await using opened = await open();
      await opened.engine.createStream('s', {});
      const options = { retry: { delayMs: 10, jitter: 0 } };
      const follower = await RecordingFollower.follow(opened.engine, bind, { credit: 3, options });
      await publish(opened.engine, 's', 'soon', 'later', 'in hand');
      await follower.until(3);
      const [soon, later] = follower.deliveries;
      await follower.nack([soon!], 0);
      const again = await follower.next();
      const watch = new Stopwatch();
      await Promise.all([follower.nack([again], 0), follower.nack([later!], 1_500)]);
      await opened.restart();
      const rest = await RecordingFollower.follow(opened.engine, bind, { credit: 10 });
      await rest.until(3);
      expect(rest.deliveries.map(({ body, attempt }) => [body, attempt]).sort()).toEqual([
        ['in hand', 2],
        ['later', 2],
        ['soon', 3],
      ]);
      expect(watch.ms).toBeGreaterThanOrEqual(1_500);
      expect(await rest.ack(...rest.deliveries)).toEqual([]);
      expect(await opened.engine.streamInfo('s')).toMatchObject({ messages: 0, bytes: 0 });
    });

    test('of many messages come in their order', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      const options = { retry: { delayMs: 50, jitter: 0 } };
      const follower = await RecordingFollower.follow(engine, bind, { credit: 10_000, options });
      await engine.publish({ bind, batch: batchOfMany(3_000) });
      await follower.until(3_000);
      await follower.fail(follower.deliveries.filter(({ sequence }) => sequence % 2 === 0));
      await follower.until(4_500);
      const again = follower.sequences.slice(3_000);
      expect(again).toEqual(Array.from({ length: 1_500 }, (_, index) => 2 * index + 2));
      await follower.ack(
        ...follower.deliveries.filter(({ sequence, attempt }) => attempt === 2 || sequence % 2 === 1),
      );
      expect(await engine.streamInfo('s')).toMatchObject({ messages: 0, bytes: 0 });
    });

    test('go by the policy of their own group', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      const follow = (group: string, delayMs: number) => {
        const options = { retry: { delayMs, jitter: 0 } };
        return RecordingFollower.follow(engine, bind, { group, credit: 1, options });
      };
      const [quick, slow] = [await follow('quick', 0), await follow('slow', 60_000)];
      await publish(engine, 's', 'x', 'y');
      await Promise.all([quick.until(1), slow.until(1)]);
      await Promise.all([quick.fail(quick.deliveries), slow.fail(slow.deliveries)]);
      expect(await quick.next()).toMatchObject({ body: 'x', attempt: 2 });
      expect(await slow.next()).toMatchObject({ body: 'y', attempt: 1 });
    });

    test('that are updated hold for what fails from then on', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      const options = { retry: { delayMs: 60_000 } };
      const follower = await RecordingFollower.follow(engine, bind, { credit: 1, options });
      await publish(engine, 's', 'x');
      await follower.until(1);
      await engine.updateGroup('s', 'workers', { retry: { delayMs: 0 } });
      await follower.fail(follower.deliveries);
      expect(await follower.next()).toMatchObject({ attempt: 2 });
    });

    test('are refused a delay that is longer than a year', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      const follower = await RecordingFollower.follow(engine, bind, { credit: 1 });
      await publish(engine, 's', 'x');
      await follower.until(1);
      const nack = follower.nack(follower.deliveries, 366 * 24 * 60 * 60 * 1_000);
      await expect(nack).rejects.toMatchObject({ code: 'InvalidOption', details: { option: 'delayMs' } });
      expect(await follower.ack(...follower.deliveries)).toEqual([]);
    });
  });
}
