import { describe, expect, test } from 'vitest';
import { batchOf, batchOfMany } from '../batches.ts';
import { RecordingFollower } from '../recording-follower.ts';
import { publish, readAll } from './asking.ts';
import type { EngineKind } from './engine-kind.ts';
import { eventually, pass } from './waiting.ts';

const bind = { stream: 's' };
const log = { retention: 'log' };

/** What a stream keeps, and for how long. */
export function retention({ open, survives }: EngineKind): void {
  describe('a work stream', () => {
    test('loses a message when its one group has acked it, wherever in a batch it is', async () => {
      await using opened = await open();
      await opened.engine.createStream('s', {});
      const follower = await RecordingFollower.follow(opened.engine, bind, { credit: 100 });
      await opened.engine.publish({ bind, batch: batchOfMany(10) });
      await follower.until(10);
      const order = [5, 1, 10, 2, 3, 4, 9, 7, 6];
      for (const [acked, sequence] of order.entries()) {
        await follower.ack(follower.deliveries[sequence - 1]!);
        expect(await opened.engine.streamInfo('s')).toMatchObject({ messages: 9 - acked });
      }
      follower.close();
      if (survives) await opened.restart();
      const { engine } = opened;
      expect(await engine.streamInfo('s')).toMatchObject({ messages: 1 });
      expect(await readAll(engine, 's')).toMatchObject([{ sequence: 8, body: '8' }]);
      const rest = await RecordingFollower.follow(engine, bind, { credit: 100 });
      await rest.until(1);
      await rest.ack(...rest.deliveries);
      expect(await engine.streamInfo('s')).toMatchObject({ messages: 0, bytes: 0, nextSequence: 11 });
    });

    test('keeps a message until the last of its groups has acked it', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      const names = ['a', 'b', 'c'];
      const follow = (group: string) => RecordingFollower.follow(engine, bind, { group, credit: 100 });
      const followers = await Promise.all(names.map(follow));
      await engine.publish({ bind, batch: batchOfMany(9) });
      for (const follower of followers) await follower.until(9);
      // Each acks two thirds, so that each message is acked by two of them.
      await Promise.all(
        followers.map((follower, index) =>
          follower.ack(...follower.deliveries.filter(({ sequence }) => sequence % 3 !== index)),
        ),
      );
      expect(await engine.streamInfo('s')).toMatchObject({ messages: 9 });
      for (const [index, follower] of followers.entries()) {
        await follower.ack(...follower.deliveries.filter(({ sequence }) => sequence % 3 === index));
        expect(await engine.streamInfo('s')).toMatchObject({ messages: 6 - 3 * index });
      }
      expect(await engine.streamInfo('s')).toMatchObject({ messages: 0, bytes: 0 });
    });

    test('keeps all that it gets while it has no group', async () => {
      await using opened = await open();
      await opened.engine.createStream('s', {});
      await opened.engine.publish({ bind, batch: batchOfMany(10) });
      if (survives) await opened.restart();
      const { engine } = opened;
      expect(await engine.streamInfo('s')).toMatchObject({ messages: 10, groups: [] });
      expect(await readAll(engine, 's')).toHaveLength(10);
    });

    test('counts a purge right when messages before all of its groups go, and those behind them are gone', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      await engine.publish({ bind, batch: batchOfMany(3, 'old ') });
      const follower = await RecordingFollower.follow(engine, bind, { startFrom: 'new', credit: 2 });
      for (const name of ['4', '5', '6', '7']) await engine.publish({ bind, batch: batchOf(name) });
      await follower.until(2);
      await follower.ack(...follower.deliveries);
      expect(await engine.streamInfo('s')).toMatchObject({ messages: 5 });
      expect(await engine.purgeStream({ stream: 's', sequence: 7 })).toBe(4);
      expect(await engine.streamInfo('s')).toMatchObject({ messages: 1, firstSequence: 7 });
    });

    test('keeps what came before all of its groups', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      await engine.publish({ bind, batch: batchOfMany(3, 'old ') });
      const follower = await RecordingFollower.follow(engine, bind, { startFrom: 'new', credit: 10 });
      await engine.publish({ bind, batch: batchOfMany(2, 'new ') });
      await follower.until(2);
      await follower.ack(...follower.deliveries);
      expect(await engine.streamInfo('s')).toMatchObject({ messages: 3 });
      const other = await RecordingFollower.follow(engine, bind, { group: 'other', credit: 10 });
      await other.until(3);
      expect(other.bodies).toEqual(['old 1', 'old 2', 'old 3']);
    });
  });

  describe('a log stream', () => {
    test('keeps what is acked, for whoever comes later', async () => {
      await using opened = await open();
      await opened.engine.createStream('s', log);
      const early = await RecordingFollower.follow(opened.engine, bind, { credit: 100 });
      await opened.engine.publish({ bind, batch: batchOfMany(10) });
      await early.until(10);
      await early.ack(...early.deliveries);
      const { bytes } = await opened.engine.streamInfo('s');
      if (survives) await opened.restart();
      const { engine } = opened;
      expect(await engine.streamInfo('s')).toMatchObject({ messages: 10, bytes, retention: 'log' });
      const late = await RecordingFollower.follow(engine, bind, { group: 'late', credit: 100 });
      await late.until(10);
      expect(late.bodies).toEqual(early.bodies);
      // The first has acked all of it, and gets only what is new.
      const again = await RecordingFollower.follow(engine, bind, { credit: 100 });
      await publish(engine, 's', 'new');
      await again.until(1);
      expect(again.bodies).toEqual(['new']);
    });
  });

  describe('a stream with a maxAgeMs', () => {
    test('loses what is older, delivered or not, and keeps what is not', async () => {
      await using opened = await open();
      await opened.engine.createStream('s', { ...log, maxAgeMs: 1_000 });
      const follower = await RecordingFollower.follow(opened.engine, bind, { credit: 1 });
      await publish(opened.engine, 's', { body: '1', priority: 3 }, '2', { body: '3', priority: 0 });
      await follower.until(1);
      await eventually(async () => (await opened.engine.streamInfo('s')).bytes === 0);
      expect(await opened.engine.streamInfo('s')).toMatchObject({ messages: 0, firstSequence: 4 });
      expect(await opened.engine.groupInfo('s', 'workers')).toMatchObject({ lag: 0, pending: 0 });
      expect(await follower.ack(...follower.deliveries)).toHaveLength(1);
      await opened.engine.updateStream('s', { maxAgeMs: 3_600_000 });
      await publish(opened.engine, 's', '4');
      if (survives) await opened.restart();
      expect(await readAll(opened.engine, 's')).toMatchObject([{ sequence: 4, body: '4' }]);
    });

    test('loses it also when it comes of age while the engine is closed', async () => {
      if (!survives) return;
      await using opened = await open();
      await opened.engine.createStream('s', { maxAgeMs: 400 });
      await publish(opened.engine, 's', 'x');
      await opened.restart(() => pass(400));
      await eventually(async () => (await opened.engine.streamInfo('s')).messages === 0);
    });
  });

  describe('purging a stream', () => {
    test('up to a sequence number leaves that one and what follows, also inside a batch', async () => {
      await using opened = await open();
      await opened.engine.createStream('s', log);
      await opened.engine.publish({ bind, batch: batchOfMany(10) });
      const follower = await RecordingFollower.follow(opened.engine, bind, { credit: 8 });
      await follower.until(8);
      expect(await opened.engine.purgeStream({ stream: 's', sequence: 7 })).toBe(6);
      expect(await opened.engine.purgeStream({ stream: 's', sequence: 7 })).toBe(0);
      expect(await opened.engine.streamInfo('s')).toMatchObject({ messages: 4, firstSequence: 7 });
      expect(await opened.engine.groupInfo('s', 'workers')).toMatchObject({ pending: 2, lag: 2 });
      follower.close();
      if (survives) await opened.restart();
      const { engine } = opened;
      expect((await readAll(engine, 's')).map(({ sequence }) => sequence)).toEqual([7, 8, 9, 10]);
      const rest = await RecordingFollower.follow(engine, bind, { group: 'rest', credit: 10 });
      await rest.until(4);
      expect(rest.bodies).toEqual(['7', '8', '9', '10']);
      // Past its end there is nothing to purge.
      expect(await engine.purgeStream({ stream: 's', sequence: 1_000 })).toBe(4);
      expect(await engine.streamInfo('s')).toMatchObject({ messages: 0, bytes: 0, nextSequence: 11 });
    });

    test('up to a time leaves what was taken in then or later, of every priority', async () => {
      await using opened = await open();
      await opened.engine.createStream('s', log);
      // The last of low priority comes before the first of high priority that is to stay.
      await publish(opened.engine, 's', { body: '1', priority: 0 }, '2', { body: '3', priority: 3 });
      await publish(opened.engine, 's', '4', { body: '5', priority: 3 }, '6');
      await pass(5);
      const time = Date.now();
      await publish(opened.engine, 's', { body: '7', priority: 3 });
      expect(await opened.engine.purgeStream({ stream: 's', time })).toBe(6);
      if (survives) await opened.restart();
      expect(await readAll(opened.engine, 's')).toMatchObject([{ sequence: 7, body: '7' }]);
      expect(await opened.engine.purgeStream({ stream: 's', time: time - 3_600_000 })).toBe(0);
    });

    test('of work counts what was not acked by all', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      const [a, b] = await Promise.all(
        ['a', 'b'].map((group) => RecordingFollower.follow(engine, bind, { group, credit: 6 })),
      );
      await engine.publish({ bind, batch: batchOfMany(10) });
      await Promise.all([a!.until(6), b!.until(6)]);
      await a!.ack(...a!.deliveries.slice(0, 4));
      await b!.ack(...b!.deliveries.slice(1, 3));
      expect(await engine.streamInfo('s')).toMatchObject({ messages: 8 });
      // Of 1 to 7, two are gone: 2 and 3.
      expect(await engine.purgeStream({ stream: 's', sequence: 8 })).toBe(5);
      expect(await engine.streamInfo('s')).toMatchObject({ messages: 3 });
      expect(await engine.purgeStream({ stream: 's' })).toBe(3);
    });

    test('of work counts what came before all groups', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      await engine.publish({ bind, batch: batchOfMany(6) });
      await engine.createGroup({ stream: 's', group: 'g', startFrom: 'new' });
      await engine.publish({ bind, batch: batchOfMany(4) });
      expect(await engine.purgeStream({ stream: 's', sequence: 4 })).toBe(3);
      expect(await engine.streamInfo('s')).toMatchObject({ messages: 7 });
      expect(await engine.purgeStream({ stream: 's', sequence: 9 })).toBe(5);
      expect(await engine.streamInfo('s')).toMatchObject({ messages: 2 });
    });
  });

  describe('a stream with an expireAfterMs', () => {
    test('goes when it was not used for so long, and not while somebody follows it', async () => {
      await using opened = await open();
      const { engine } = opened;
      for (const name of ['followed', 'unused']) await engine.createStream(name, { expireAfterMs: 2_000 });
      await publish(engine, 'unused', 'x');
      const follower = await RecordingFollower.follow(engine, { stream: 'followed' });
      const names = async () => (await engine.listStreams({})).streams.map(({ name }) => name);
      await eventually(async () => !(await names()).includes('unused'));
      expect(await names()).toEqual(['followed']);
      follower.close();
      await eventually(async () => (await names()).length === 0);
    });
  });
}
