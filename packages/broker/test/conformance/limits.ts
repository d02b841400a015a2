import { describe, expect, test } from 'vitest';
import type { Engine } from '../../src/engine/engine.ts';
import { batchOf, batchOfMany, sharingBatch } from '../batches.ts';
import { RecordingFollower, rangesOf } from '../recording-follower.ts';
import { publish, readAll } from './asking.ts';
import type { EngineKind } from './engine-kind.ts';
import { eventually } from './waiting.ts';

const bind = { stream: 's' };
const log = { retention: 'log' };

/** How much a stream takes, and what becomes of the rest. */
export function limits({ open, survives }: EngineKind): void {
  describe('a stream that rejects what is over its limit', () => {
    test('takes maxMessages and no more, and more again when there is room', async () => {
      await using opened = await open();
      await opened.engine.createStream('s', { maxMessages: 5 });
      await opened.engine.publish({ bind, batch: batchOfMany(3) });
      const full = { code: 'StreamFull', details: { stream: 's', limit: 'maxMessages' } };
      await expect(opened.engine.publish({ bind, batch: batchOfMany(3) })).rejects.toMatchObject(full);
      await opened.engine.publish({ bind, batch: batchOfMany(2) });
      if (survives) await opened.restart();
      const { engine } = opened;
      await expect(publish(engine, 's', 'x')).rejects.toMatchObject(full);
      const follower = await RecordingFollower.follow(engine, bind, { credit: 100 });
      await follower.until(5);
      await follower.ack(follower.deliveries[2]!);
      await publish(engine, 's', 'room');
      await expect(publish(engine, 's', 'x')).rejects.toMatchObject(full);
      expect(await engine.streamInfo('s')).toMatchObject({ messages: 5, maxMessages: 5, nextSequence: 7 });
    });

    test('does so among publishes that are under way at once', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', { maxMessages: 25 });
      const publishes = Array.from({ length: 20 }, () => engine.publish({ bind, batch: batchOfMany(3) }));
      const answers = await Promise.allSettled(publishes);
      expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(8);
      expect(await engine.streamInfo('s')).toMatchObject({ messages: 24 });
    });

    test('takes maxBytes and no more', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', { maxBytes: 10_000 });
      const body = 'x'.repeat(1_000);
      let taken = 0;
      const fill = async () => {
        for (; taken < 20; taken++) await publish(engine, 's', body);
      };
      await expect(fill()).rejects.toMatchObject({ code: 'StreamFull', details: { limit: 'maxBytes' } });
      expect(taken).toBe(9);
      const { bytes } = await engine.streamInfo('s');
      expect(bytes).toBeLessThanOrEqual(10_000);
      await expect(publish(engine, 's', 'y'.repeat(20_000))).rejects.toMatchObject({ code: 'StreamFull' });
    });

    test('takes nothing of a publish that goes to others too, and nor do they', async () => {
      await using opened = await open();
      const { engine } = opened;
      for (const name of ['a', 'c']) await engine.createStream(name, {});
      await engine.createStream('b', { maxMessages: 1 });
      const toAll = () => engine.publish({ bind: { pattern: '^[abc]$' }, batch: batchOf('x') });
      expect((await toAll()).streams).toHaveLength(3);
      await expect(toAll()).rejects.toMatchObject({ code: 'StreamFull', details: { stream: 'b' } });
      for (const name of ['a', 'b', 'c']) {
        expect(await engine.streamInfo(name)).toMatchObject({ messages: 1, nextSequence: 2 });
      }
    });

    test('counts what is delayed', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', { maxMessages: 3 });
      await engine.publish({ bind, batch: sharingBatch({ delayMs: 60_000 }, '1', '2') });
      await publish(engine, 's', '3');
      await expect(publish(engine, 's', '4')).rejects.toMatchObject({ code: 'StreamFull' });
      expect(await engine.streamInfo('s')).toMatchObject({ messages: 1, delayed: 2 });
    });

    test('takes what it knows already, and says so', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', { maxMessages: 1 });
      const record = { body: 'x', messageId: 'one' };
      await publish(engine, 's', record);
      const again = await publish(engine, 's', record);
      expect(again.streams).toMatchObject([{ duplicates: [0, 1] }]);
    });
  });

  describe('a stream that drops its oldest', () => {
    test('holds the newest maxMessages, also out of one batch', async () => {
      await using opened = await open();
      await opened.engine.createStream('s', { ...log, maxMessages: 4, overflow: 'drop-oldest' });
      await opened.engine.publish({ bind, batch: batchOfMany(10) });
      await holds(opened.engine, 4);
      expect((await readAll(opened.engine, 's')).map(({ body }) => body)).toEqual(['7', '8', '9', '10']);
      await publish(opened.engine, 's', '11');
      await holds(opened.engine, 4);
      if (survives) await opened.restart();
      const { engine } = opened;
      expect(await engine.streamInfo('s')).toMatchObject({ messages: 4, firstSequence: 8 });
      expect((await readAll(engine, 's')).map(({ sequence }) => sequence)).toEqual([8, 9, 10, 11]);
      const follower = await RecordingFollower.follow(engine, bind, { credit: 100 });
      await follower.until(4);
      expect(follower.bodies).toEqual(['8', '9', '10', '11']);
    });

    test('drops what is pending too, which is stale then', async () => {
      await using opened = await open();
      await opened.engine.createStream('s', { maxMessages: 3, overflow: 'drop-oldest' });
      const follower = await RecordingFollower.follow(opened.engine, bind, { credit: 3 });
      await publish(opened.engine, 's', '1', '2', '3');
      await follower.until(3);
      const [first, second, third] = follower.deliveries;
      await follower.nack([second!], 60_000);
      await publish(opened.engine, 's', '4', '5');
      await holds(opened.engine, 3);
      expect(await opened.engine.groupInfo('s', 'workers')).toMatchObject({
        pending: 1,
        lag: 2,
        ackFloor: 2,
      });
      expect(await follower.ack(first!)).toEqual(rangesOf([first!]));
      expect(await follower.ack(third!)).toEqual([]);
      expect(await opened.engine.streamInfo('s')).toMatchObject({ messages: 2 });
      follower.close();
      if (survives) await opened.restart();
      const rest = await RecordingFollower.follow(opened.engine, bind, { credit: 10 });
      await rest.until(2);
      expect(rest.deliveries).toMatchObject([
        { body: '4', attempt: 1 },
        { body: '5', attempt: 1 },
      ]);
    });

    test('drops the oldest that are left, where some in between are acked', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', { maxMessages: 4, overflow: 'drop-oldest' });
      const follower = await RecordingFollower.follow(engine, bind, { credit: 6 });
      await publish(engine, 's', '1', '2', '3', '4');
      await follower.until(4);
      await follower.ack(follower.deliveries[1]!, follower.deliveries[2]!);
      await publish(engine, 's', '5', '6', '7');
      await holds(engine, 4);
      expect((await readAll(engine, 's')).map(({ body }) => body)).toEqual(['4', '5', '6', '7']);
    });

    test('drops what came before all groups first, and no more than it has to', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', { maxMessages: 10, overflow: 'drop-oldest' });
      await engine.publish({ bind, batch: batchOfMany(8) });
      await engine.createGroup({ stream: 's', group: 'g', startFrom: 'new' });
      await publish(engine, 's', '9', '10', '11');
      await holds(engine, 10);
      expect(await engine.streamInfo('s')).toMatchObject({ firstSequence: 2 });
      expect(await engine.groupInfo('s', 'g')).toMatchObject({ lag: 3 });
    });

    test('holds no more than maxBytes', async () => {
      await using opened = await open();
      await opened.engine.createStream('s', { ...log, maxBytes: 10_000, overflow: 'drop-oldest' });
      const body = 'x'.repeat(1_000);
      for (let i = 1; i <= 30; i++) await publish(opened.engine, 's', `${i} ${body}`);
      await eventually(async () => (await opened.engine.streamInfo('s')).bytes <= 10_000);
      if (survives) await opened.restart();
      const { bytes, messages } = await opened.engine.streamInfo('s');
      expect(bytes).toBeLessThanOrEqual(10_000);
      const left = await readAll(opened.engine, 's');
      expect(left).toHaveLength(messages);
      expect(messages).toBe(9);
      expect(left.at(-1)!.body).toBe(`30 ${body}`);
    });

    test('drops over all priorities, the oldest first', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', { ...log, maxMessages: 3, overflow: 'drop-oldest' });
      const record = (body: string, priority: number) => ({ body, priority });
      await publish(engine, 's', record('1', 3), record('2', 0), record('3', 3), record('4', 0));
      await publish(engine, 's', record('5', 1));
      await holds(engine, 3);
      expect((await readAll(engine, 's')).map(({ body }) => body)).toEqual(['3', '4', '5']);
    });
  });

  describe('updating a stream', () => {
    test('changes what is named, leaves the rest, and holds from then on', async () => {
      await using opened = await open();
      await opened.engine.createStream('s', { maxMessages: 3, maxAgeMs: 3_600_000 });
      await publish(opened.engine, 's', '1', '2', '3');
      await opened.engine.updateStream('s', { maxMessages: 4, dedupWindowMs: 0 });
      await publish(opened.engine, 's', '4');
      await expect(publish(opened.engine, 's', '5')).rejects.toMatchObject({ code: 'StreamFull' });
      await opened.engine.updateStream('s', { maxMessages: 0 });
      await publish(opened.engine, 's', '5');
      if (survives) await opened.restart();
      const { engine } = opened;
      expect(await engine.streamInfo('s')).toMatchObject({
        messages: 5,
        maxMessages: 0,
        maxAgeMs: 3_600_000,
        dedupWindowMs: 0,
        overflow: 'reject',
      });
      await engine.updateStream('s', { maxMessages: 2, overflow: 'drop-oldest' });
      await holds(engine, 2);
      expect((await readAll(engine, 's')).map(({ body }) => body)).toEqual(['4', '5']);
    });

    test('is refused where it cannot be', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      await expect(engine.updateStream('none', {})).rejects.toMatchObject({ code: 'StreamNotFound' });
      const conflict = { code: 'StreamConflict', details: { option: 'retention' } };
      await expect(engine.updateStream('s', log)).rejects.toMatchObject(conflict);
      await expect(engine.createStream('s', log)).rejects.toMatchObject(conflict);
      const invalid = [
        [{ overflow: 'explode' }, 'overflow'],
        [{ maxMessages: -1 }, 'maxMessages'],
        [{ maxBytes: 1.5 }, 'maxBytes'],
      ] as const;
      for (const [options, option] of invalid) {
        const refusal = { code: 'InvalidOption', details: { option } };
        await expect(engine.updateStream('s', options)).rejects.toMatchObject(refusal);
        await expect(engine.createStream('t', options)).rejects.toMatchObject(refusal);
      }
    });
  });
}

/** Settles when the stream holds so many messages: what is over a limit goes after it was confirmed. */
async function holds(engine: Engine, messages: number): Promise<void> {
  await eventually(async () => (await engine.streamInfo('s')).messages === messages);
}
