import { describe, expect, test } from 'vitest';
import { batchOfMany } from '../batches.ts';
import { RecordingFollower, rangesOf, spelledOut } from '../recording-follower.ts';
import { publish, readAll } from './asking.ts';
import type { EngineKind } from './engine-kind.ts';
import { eventually, pass } from './waiting.ts';

const bind = { stream: 's' };
const log = { retention: 'log' };

/** Groups that come later, begin anew, or go. */
export function changingGroups({ open, survives }: EngineKind): void {
  describe('groups', () => {
    test('that are deleted end their followers, and what only they needed goes', async () => {
      await using opened = await open();
      await opened.engine.createStream('s', {});
      await opened.engine.createStream('t', {});
      const follow = (group: string, followed: { stream: string } | { pattern: string } = bind) =>
        RecordingFollower.follow(opened.engine, followed, { group, credit: 100 });
      const [stays, goes, regex] = [
        await follow('a'),
        await follow('b'),
        await follow('b', { pattern: '.' }),
      ];
      await opened.engine.publish({ bind, batch: batchOfMany(20) });
      await stays.until(20);
      await stays.ack(...stays.deliveries.slice(0, 15));
      expect(await opened.engine.streamInfo('s')).toMatchObject({ messages: 20 });
      await opened.engine.deleteGroup('s', 'b');
      expect(await goes.untilEnded()).toMatchObject({ code: 'GroupNotFound', details: { group: 'b' } });
      expect(await opened.engine.streamInfo('s')).toMatchObject({ messages: 5, groups: [{ name: 'a' }] });
      expect(regex.endedWith).toBeUndefined();
      const held = rangesOf(regex.deliveries);
      expect(spelledOut(await regex.engineFollower.ack(held))).toEqual(spelledOut(held));
      // It follows the other stream still.
      const before = regex.deliveries.length;
      await publish(opened.engine, 't', 'on');
      await regex.until(before + 1);
      expect(regex.deliveries[before]).toMatchObject({ stream: 't', body: 'on' });
      await stays.ack(...stays.deliveries.slice(15));
      expect(await opened.engine.streamInfo('s')).toMatchObject({ messages: 0, bytes: 0 });
      if (survives) await opened.restart();
      await expect(opened.engine.groupInfo('s', 'b')).rejects.toMatchObject({ code: 'GroupNotFound' });
      expect(await opened.engine.streamInfo('s')).toMatchObject({ messages: 0, bytes: 0 });
    });

    test('that are deleted take along what the others began after', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      const first = await RecordingFollower.follow(engine, bind, { group: 'first', credit: 3 });
      await engine.publish({ bind, batch: batchOfMany(10) });
      await first.until(3);
      await first.ack(first.deliveries[1]!);
      await engine.createGroup({ stream: 's', group: 'second', startFrom: 'new' });
      await engine.publish({ bind, batch: batchOfMany(5) });
      expect(await engine.streamInfo('s')).toMatchObject({ messages: 14 });
      await engine.deleteGroup('s', 'first');
      expect(await engine.streamInfo('s')).toMatchObject({ messages: 5 });
      expect(await readAll(engine, 's')).toHaveLength(5);
      const second = await RecordingFollower.follow(engine, bind, { group: 'second', credit: 10 });
      await second.until(5);
      await second.ack(...second.deliveries);
      expect(await engine.streamInfo('s')).toMatchObject({ messages: 0, bytes: 0 });
    });

    test('that are deleted and created again begin anew', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', log);
      await publish(engine, 's', '1', '2', '3');
      const before = await RecordingFollower.follow(engine, bind, { group: 'g', credit: 2 });
      await before.until(2);
      await before.ack(before.deliveries[0]!);
      await engine.deleteGroup('s', 'g');
      const after = await RecordingFollower.follow(engine, bind, { group: 'g', credit: 10 });
      await after.until(3);
      expect(after.deliveries.map(({ body, attempt }) => [body, attempt])).toEqual([
        ['1', 1],
        ['2', 1],
        ['3', 1],
      ]);
    });

    test('leave what nobody has acked to a group that is created later', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      await engine.createGroup({ stream: 's', group: 'a' });
      await publish(engine, 's', 'kept');
      await engine.deleteGroup('s', 'a');
      expect(await engine.streamInfo('s')).toMatchObject({ messages: 1, groups: [] });
      const later = await RecordingFollower.follow(engine, bind, { group: 'b', credit: 1 });
      await later.until(1);
      await later.ack(...later.deliveries);
      expect(await engine.streamInfo('s')).toMatchObject({ messages: 0, bytes: 0 });
    });

    test('that are reset backwards get everything again in attempt 1, and old leases are stale', async () => {
      await using opened = await open();
      await opened.engine.createStream('s', log);
      await publish(opened.engine, 's', '1', '2', '3', '4');
      const held = await RecordingFollower.follow(opened.engine, bind, { group: 'g', credit: 3 });
      const other = await RecordingFollower.follow(opened.engine, bind, { group: 'other', credit: 4 });
      await Promise.all([held.until(3), other.until(4)]);
      await held.nack([held.deliveries[1]!], 60_000);
      await held.ack(held.deliveries[0]!);
      await opened.engine.resetGroup({ stream: 's', group: 'g', startFrom: { sequence: 1 } });
      const late = [{ stream: 's', ranges: [{ first: 3, last: 3, attempt: 1 }] }];
      expect(await held.engineFollower.ack(late)).toEqual(late);
      expect(await opened.engine.groupInfo('s', 'g')).toMatchObject({ lag: 4, pending: 0 });
      expect(await opened.engine.groupInfo('s', 'other')).toMatchObject({ lag: 0, pending: 4 });
      held.close();
      if (survives) await opened.restart();
      const again = await RecordingFollower.follow(opened.engine, bind, { group: 'g', credit: 10 });
      await again.until(4);
      expect(again.deliveries.map(({ sequence, attempt }) => [sequence, attempt])).toEqual([
        [1, 1],
        [2, 1],
        [3, 1],
        [4, 1],
      ]);
      expect(await again.ack(...again.deliveries)).toEqual([]);
    });

    test('that are reset while a follower has credit go on with it from there', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', log);
      await publish(engine, 's', '1', '2');
      const follower = await RecordingFollower.follow(engine, bind, { group: 'g', credit: 10 });
      await follower.until(2);
      await engine.resetGroup({ stream: 's', group: 'g', startFrom: 'first' });
      await follower.until(4);
      expect(follower.sequences).toEqual([1, 2, 1, 2]);
      expect(follower.attempts).toEqual([1, 1, 1, 1]);
      // The first delivery and the second look alike: the first ack is taken for the first, which came too late.
      const deliveries = follower.deliveries.slice(2);
      expect(await follower.ack(...deliveries)).toEqual([
        { stream: 's', ranges: [{ first: 1, last: 2, attempt: 1 }] },
      ]);
      await follower.ack(...deliveries);
      expect(await engine.groupInfo('s', 'g')).toMatchObject({ lag: 0, pending: 0, ackFloor: 2 });
    });

    test('that are reset forwards skip what is before, and it goes when nobody else needs it', async () => {
      await using opened = await open();
      await opened.engine.createStream('s', {});
      const follower = await RecordingFollower.follow(opened.engine, bind, { group: 'g', credit: 3 });
      await opened.engine.publish({ bind, batch: batchOfMany(10) });
      await follower.until(3);
      await opened.engine.resetGroup({ stream: 's', group: 'g', startFrom: { sequence: 8 } });
      expect(await opened.engine.streamInfo('s')).toMatchObject({ messages: 3 });
      expect(await follower.ack(...follower.deliveries)).toHaveLength(1);
      await opened.engine.resetGroup({ stream: 's', group: 'g', startFrom: 'new' });
      expect(await opened.engine.streamInfo('s')).toMatchObject({ messages: 0, bytes: 0 });
      if (survives) await opened.restart();
      const { engine } = opened;
      expect(await engine.groupInfo('s', 'g')).toMatchObject({ lag: 0, pending: 0, ackFloor: 10 });
      await publish(engine, 's', 'next');
      const later = await RecordingFollower.follow(engine, bind, { group: 'g', credit: 3 });
      await later.until(1);
      expect(later.deliveries).toMatchObject([{ sequence: 11, body: 'next', attempt: 1 }]);
    });

    test('that are reset to a time begin with what was taken in from then on', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', log);
      await publish(engine, 's', { body: '1', priority: 3 }, '2');
      await pass(5);
      const time = Date.now();
      await publish(engine, 's', '3', { body: '4', priority: 0 });
      await engine.createGroup({ stream: 's', group: 'g', startFrom: 'new' });
      await engine.resetGroup({ stream: 's', group: 'g', startFrom: { time } });
      const follower = await RecordingFollower.follow(engine, bind, { group: 'g', credit: 10 });
      await follower.until(2);
      expect(follower.bodies).toEqual(['3', '4']);
      expect(await engine.groupInfo('s', 'g')).toMatchObject({ lag: 0 });
    });

    test('go when nobody used them for as long as they may be unused', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      const options = { expireAfterMs: 100 };
      await engine.createGroup({ stream: 's', group: 'unused', options });
      const used = await RecordingFollower.follow(engine, bind, { group: 'used', options });
      await engine.createGroup({ stream: 's', group: 'lasting' });
      await publish(engine, 's', 'x');
      const names = async () => (await engine.listGroups('s')).map(({ name }) => name).sort();
      await eventually(async () => !(await names()).includes('unused'));
      expect(await names()).toEqual(['lasting', 'used']);
      used.close();
      await eventually(async () => !(await names()).includes('used'));
      expect(await names()).toEqual(['lasting']);
    });

    test('that come later to a stream get what is left there, and not what was acked', async () => {
      await using opened = await open();
      await opened.engine.createStream('s', {});
      const early = await RecordingFollower.follow(opened.engine, bind, { group: 'early', credit: 4 });
      await publish(opened.engine, 's', '1', '2', '3', '4', '5', '6');
      await early.until(4);
      // Out of the middle of a batch, and at its beginning.
      await early.ack(early.deliveries[0]!, early.deliveries[2]!);
      expect(await opened.engine.streamInfo('s')).toMatchObject({ messages: 4 });
      early.close();
      if (survives) await opened.restart();
      const { engine } = opened;
      expect((await readAll(engine, 's')).map(({ body }) => body)).toEqual(['2', '4', '5', '6']);
      const late = await RecordingFollower.follow(engine, bind, { group: 'late', credit: 10 });
      await late.until(4);
      await publish(engine, 's', 'last');
      await late.until(5);
      expect(late.bodies).toEqual(['2', '4', '5', '6', 'last']);
      expect(late.attempts).toEqual([1, 1, 1, 1, 1]);
      await late.ack(...late.deliveries);
      expect(await engine.streamInfo('s')).toMatchObject({ messages: 5 });
      const rest = await RecordingFollower.follow(engine, bind, { group: 'early', credit: 10 });
      await rest.until(5);
      await rest.ack(...rest.deliveries);
      expect(await engine.streamInfo('s')).toMatchObject({ messages: 0, bytes: 0 });
    });

    test('that are reset do not bring back what all of them had acked', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      const follower = await RecordingFollower.follow(engine, bind, { group: 'g', credit: 3 });
      await publish(engine, 's', '1', '2', '3', '4');
      await follower.until(3);
      await follower.ack(follower.deliveries[0]!, follower.deliveries[1]!);
      await engine.resetGroup({ stream: 's', group: 'g', startFrom: 'first' });
      expect(await engine.streamInfo('s')).toMatchObject({ messages: 2 });
      follower.credit(10);
      await follower.until(5);
      expect(follower.deliveries.slice(3)).toMatchObject([
        { body: '3', attempt: 1 },
        { body: '4', attempt: 1 },
      ]);
      // What it held before, then what it holds.
      await follower.ack(follower.deliveries[2]!);
      await follower.ack(...follower.deliveries.slice(3));
      expect(await engine.streamInfo('s')).toMatchObject({ messages: 0, bytes: 0 });
    });
  });
}
