import { describe, expect, test } from 'vitest';
import { batchOf, batchOfMany } from '../batches.ts';
import { RecordingFollower } from '../recording-follower.ts';
import { publish } from './asking.ts';
import type { EngineKind } from './engine-kind.ts';
import { eventually, pass } from './waiting.ts';

const bind = { stream: 's' };
const log = { retention: 'log' };

/** Several groups over one stream: where they begin, what they are like, how they are doing. */
export function groups({ open, survives }: EngineKind): void {
  describe('groups', () => {
    test('each get every message, and what one acks is still to be acked by the others', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      const [a, b] = await Promise.all(
        ['a', 'b'].map((group) => RecordingFollower.follow(engine, bind, { group, credit: 100 })),
      );
      await engine.publish({ bind, batch: batchOfMany(10) });
      await Promise.all([a!.until(10), b!.until(10)]);
      expect(b!.bodies).toEqual(a!.bodies);
      await a!.ack(...a!.deliveries);
      await b!.ack(...b!.deliveries.slice(0, 4));
      expect(await engine.groupInfo('s', 'a')).toMatchObject({ lag: 0, pending: 0, ackFloor: 10 });
      expect(await engine.groupInfo('s', 'b')).toMatchObject({ lag: 0, pending: 6, ackFloor: 4 });
      expect((await engine.pending({ stream: 's', group: 'a' })).entries).toEqual([]);
      expect((await engine.pending({ stream: 's', group: 'b' })).entries).toMatchObject([
        { first: 5, last: 10, attempt: 1, follower: b!.id },
      ]);
      expect(await engine.streamInfo('s')).toMatchObject({ messages: 6 });
    });

    test('share the messages between the followers of each', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      const follow = (group: string) => RecordingFollower.follow(engine, bind, { group, credit: 50 });
      const [a1, a2, b1] = await Promise.all([follow('a'), follow('a'), follow('b')]);
      await engine.publish({ bind, batch: batchOfMany(50) });
      await b1.until(50);
      await eventually(async () => a1.deliveries.length + a2.deliveries.length === 50);
      const ofA = [...a1.sequences, ...a2.sequences].sort((x, y) => x - y);
      expect(ofA).toEqual(b1.sequences);
      expect(await engine.groupInfo('s', 'a')).toMatchObject({ followers: 2, pending: 50 });
    });

    test('of followers that name none are one, called workers', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      await RecordingFollower.follow(engine, bind);
      const unnamed = await engine.listGroups('s');
      expect(unnamed.map(({ name }) => name)).toEqual(['workers']);
    });

    test('begin at the first message, a sequence number, a time, or with what comes next', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', log);
      await publish(engine, 's', '1', '2', '3');
      await pass(5);
      const time = Date.now();
      await publish(engine, 's', '4', '5');
      const starts = {
        first: 'first',
        new: 'new',
        sequence: { sequence: 3 },
        time: { time },
        beyond: { sequence: 1_000 },
        future: { time: time + 3_600_000 },
        ancient: { time: 1 },
      } as const;
      for (const [group, startFrom] of Object.entries(starts)) {
        expect(await engine.createGroup({ stream: 's', group, startFrom })).toBe(true);
      }
      await publish(engine, 's', '6');
      const expected: Record<keyof typeof starts, string> = {
        first: '123456',
        new: '6',
        sequence: '3456',
        time: '456',
        beyond: '6',
        future: '6',
        ancient: '123456',
      };
      for (const [group, bodies] of Object.entries(expected)) {
        const follower = await RecordingFollower.follow(engine, bind, { group, credit: 100 });
        await follower.until(bodies.length);
        expect([group, follower.bodies.join('')]).toEqual([group, bodies]);
        expect(await engine.groupInfo('s', group)).toMatchObject({ lag: 0, pending: bodies.length });
      }
    });

    test('begin where their first follower asks, and later ones go on there', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', log);
      await publish(engine, 's', 'old');
      const startNew = { group: 'g', startFrom: 'new', credit: 1 } as const;
      const first = await RecordingFollower.follow(engine, bind, startNew);
      await publish(engine, 's', 'one', 'two');
      await first.until(1);
      await first.ack(...first.deliveries);
      first.close();
      const second = await RecordingFollower.follow(engine, bind, { ...startNew, startFrom: 'first' });
      await second.until(1);
      expect([...first.bodies, ...second.bodies]).toEqual(['one', 'two']);
    });

    test('that nobody follows keep their place', async () => {
      await using opened = await open();
      await opened.engine.createStream('s', {});
      await publish(opened.engine, 's', 'before');
      await opened.engine.createGroup({ stream: 's', group: 'g', startFrom: 'new' });
      await publish(opened.engine, 's', 'one');
      if (survives) await opened.restart();
      const { engine } = opened;
      await publish(engine, 's', 'two');
      expect(await engine.groupInfo('s', 'g')).toMatchObject({ followers: 0, lag: 2, pending: 0 });
      const follower = await RecordingFollower.follow(engine, bind, { group: 'g', credit: 10 });
      await follower.until(2);
      expect(follower.bodies).toEqual(['one', 'two']);
    });

    test('are created once; other options are a conflict that names the option', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      const options = { ordering: 'key', retry: { maxDeliveries: 3 } };
      const create = () => engine.createGroup({ stream: 's', group: 'g', options });
      expect(await Promise.all([create(), create()])).toEqual([true, false]);
      expect(await engine.createGroup({ stream: 's', group: 'g' })).toBe(false);
      const conflicts = [
        [{ ordering: 'none' }, 'ordering'],
        [{ exclusive: true }, 'exclusive'],
        [{ retry: { maxDeliveries: 4 } }, 'retry.maxDeliveries'],
      ] as const;
      for (const [other, option] of conflicts) {
        const conflict = { code: 'StreamConflict', details: { option } };
        const created = engine.createGroup({ stream: 's', group: 'g', options: other });
        await expect(created).rejects.toMatchObject(conflict);
        const followed = RecordingFollower.follow(engine, bind, { group: 'g', options: other });
        await expect(followed).rejects.toMatchObject(conflict);
      }
      await RecordingFollower.follow(engine, bind, { group: 'g', options });
    });

    test('that cannot be are refused', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      const create = (group: string, options = {}) => engine.createGroup({ stream: 's', group, options });
      await expect(engine.createGroup({ stream: 'none', group: 'g' })).rejects.toMatchObject({
        code: 'StreamNotFound',
      });
      await expect(create('')).rejects.toMatchObject({ code: 'InvalidName' });
      const invalid = [
        [{ ordering: 'random' }, 'ordering'],
        [{ retry: { factor: 0.5 } }, 'retry.factor'],
        [{ retry: { jitter: 2 } }, 'retry.jitter'],
        [{ retry: { delayMs: -1 } }, 'retry.delayMs'],
        [{ ratePerSecond: -1 }, 'ratePerSecond'],
      ] as const;
      for (const [options, option] of invalid) {
        await expect(create('g', options)).rejects.toMatchObject({
          code: 'InvalidOption',
          details: { option },
        });
      }
      for (const asked of [
        engine.groupInfo('s', 'g'),
        engine.deleteGroup('s', 'g'),
        engine.updateGroup('s', 'g', {}),
        engine.resetGroup({ stream: 's', group: 'g', startFrom: 'new' }),
        engine.pending({ stream: 's', group: 'g' }),
      ]) {
        await expect(asked).rejects.toMatchObject({ code: 'GroupNotFound', details: { group: 'g' } });
      }
      await expect(engine.listGroups('none')).rejects.toMatchObject({ code: 'StreamNotFound' });
    });

    test('are updated: what is not named stays, and what is invalid changes nothing', async () => {
      await using opened = await open();
      await opened.engine.createStream('s', {});
      const options = { ratePerSecond: 5, retry: { maxDeliveries: 3, delayMs: 7 } };
      await opened.engine.createGroup({ stream: 's', group: 'g', options });
      await opened.engine.updateGroup('s', 'g', { exclusive: true, retry: { maxDeliveries: 9 } });
      const refused = opened.engine.updateGroup('s', 'g', { ratePerSecond: 6, ordering: 'no' });
      await expect(refused).rejects.toMatchObject({ code: 'InvalidOption' });
      if (survives) await opened.restart();
      expect((await opened.engine.groupInfo('s', 'g')).options).toMatchObject({
        exclusive: true,
        ordering: 'none',
        ratePerSecond: 5,
        retry: { maxDeliveries: 9, delayMs: 7, factor: 2 },
      });
    });

    test('tell how they are doing', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      const createdFrom = Date.now();
      await engine.createGroup({ stream: 's', group: 'g', options: { yieldEvery: 7 } });
      await engine.createGroup({ stream: 's', group: 'idle', startFrom: 'new' });
      expect(await engine.groupInfo('s', 'g')).not.toHaveProperty('oldestUnackedMs');
      await publish(engine, 's', '1', '2', '3', '4', '5');
      await pass(20);
      const follower = await RecordingFollower.follow(engine, bind, { group: 'g', credit: 3 });
      await follower.until(3);
      await follower.ack(follower.deliveries[0]!);
      await follower.nack([follower.deliveries[1]!]);
      follower.credit(1);
      await follower.until(4);
      const info = await engine.groupInfo('s', 'g');
      expect(info).toMatchObject({
        name: 'g',
        stream: 's',
        followers: 1,
        lag: 2,
        pending: 2,
        redelivered: 1,
        ackFloor: 1,
        readPosition: 4,
        deadLettered: 0,
        expired: 0,
        options: { yieldEvery: 7, ordering: 'none', exclusive: false, retry: { factor: 2 } },
      });
      expect(info.oldestUnackedMs).toBeGreaterThanOrEqual(20);
      expect(info.createdAt).toBeGreaterThanOrEqual(createdFrom);
      expect(info.createdAt).toBeLessThanOrEqual(Date.now());
      const all = await engine.listGroups('s');
      expect(all.map(({ name, lag, pending }) => [name, lag, pending]).sort()).toEqual([
        ['g', 2, 2],
        ['idle', 5, 0],
      ]);
    });

    test('store a message once, however many they are', async () => {
      await using opened = await open();
      const { engine } = opened;
      for (const stream of ['alone', 'shared']) await engine.createStream(stream, {});
      await engine.createGroup({ stream: 'alone', group: 'g' });
      for (let i = 0; i < 5; i++) await engine.createGroup({ stream: 'shared', group: `g${i}` });
      const body = 'x'.repeat(1_000);
      for (let i = 0; i < 10; i++) await engine.publish({ bind: { pattern: '.' }, batch: batchOf(body) });
      const { bytes } = await engine.streamInfo('alone');
      expect(bytes).toBeGreaterThanOrEqual(10_000);
      expect(await engine.streamInfo('shared')).toMatchObject({ bytes, messages: 10 });
    });

    test('of a pattern come to be on streams that are created later, as they were asked for', async () => {
      await using opened = await open();
      const { engine } = opened;
      const options = { retry: { maxDeliveries: 4 } };
      await RecordingFollower.follow(engine, { pattern: '^s' }, { group: 'g', startFrom: 'new', options });
      await engine.createStream('s1', {});
      expect(await engine.groupInfo('s1', 'g')).toMatchObject({ followers: 1, options });
    });
  });
}
