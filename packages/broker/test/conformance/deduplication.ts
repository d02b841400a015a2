import { describe, expect, test } from 'vitest';
import type { Engine, PlacedBatch } from '../../src/engine/engine.ts';
import { batchOf, sharingBatch, type TestRecord } from '../batches.ts';
import { RecordingFollower } from '../recording-follower.ts';
import { publish, readAll } from './asking.ts';
import type { EngineKind } from './engine-kind.ts';
import { eventually, Stopwatch } from './waiting.ts';

export function deduplication({ open, survives }: EngineKind): void {
  describe('message ids', () => {
    test('make two messages one, whoever publishes them', async () => {
      await using opened = await open();
      await opened.engine.createStream('s', {});
      const stamp = (id: string) => ({ id: id.repeat(32), number: 1, settled: 0 });
      const batch = batchOf(of('order 1', '1'));
      const bind = { stream: 's' };
      const first = await opened.engine.publish({ bind, batch, producer: stamp('a') });
      expect(first.streams).toEqual([{ stream: 's', first: 1 }]);
      await publish(opened.engine, 's', 'in between');
      const second = await opened.engine.publish({ bind, batch, producer: stamp('b') });
      expect(second.streams).toMatchObject([{ stream: 's', duplicates: [0, 1] }]);
      if (survives) await opened.restart();
      const third = await placed(opened.engine, of('another body', '1'));
      expect(third).toMatchObject({ duplicates: [0, 1] });
      const bodies = (await readAll(opened.engine, 's')).map(({ body }) => body);
      expect(bodies).toEqual(['order 1', 'in between']);
    });

    test('are known after their message is done with', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      await publish(engine, 's', of('x', '1'));
      const follower = await RecordingFollower.follow(engine, { stream: 's' }, { credit: 10 });
      await follower.until(1);
      await follower.ack(...follower.deliveries);
      expect(await placed(engine, of('x', '1'))).toMatchObject({ duplicates: [0, 1] });
      await engine.purgeStream({ stream: 's' });
      expect(await placed(engine, of('x', '1'))).toMatchObject({ duplicates: [0, 1] });
    });

    test('are found inside one batch, and what is left has neighbouring numbers', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      await publish(engine, 's', of('known', 'k'));
      const records = [
        of('a', 'a'),
        'plain',
        of('a again', 'a'),
        of('k again', 'k'),
        of('b', 'b'),
        of('a', 'a'),
      ];
      // 'a' is 2, the plain one 3, 'b' 4.
      expect(await placed(engine, ...records)).toEqual({
        stream: 's',
        first: 2,
        duplicates: [2, 2, 3, 1, 5, 2],
      });
      expect(await readAll(engine, 's')).toMatchObject([
        { sequence: 1, body: 'known' },
        { sequence: 2, body: 'a' },
        { sequence: 3, body: 'plain' },
        { sequence: 4, body: 'b' },
      ]);
    });

    test('that all records of a batch share leave one of them', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      const batch = sharingBatch({ messageId: 'one' }, 'a', 'b', 'c');
      const { streams } = await engine.publish({ bind: { stream: 's' }, batch });
      expect(streams).toEqual([{ stream: 's', first: 1, duplicates: [1, 1, 2, 1] }]);
    });

    test('are found between publishes under way at once', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      const all = await Promise.all(Array.from({ length: 50 }, () => placed(engine, of('x', 'same'))));
      expect(all.filter(({ duplicates }) => duplicates === undefined)).toHaveLength(1);
      expect(all.filter(({ duplicates }) => duplicates?.[1] === 1)).toHaveLength(49);
      expect(await engine.streamInfo('s')).toMatchObject({ messages: 1 });
    });

    test('are of each stream by itself', async () => {
      await using opened = await open();
      const { engine } = opened;
      for (const name of ['a', 'b']) await engine.createStream(name, {});
      await publish(engine, 'a', 'first', of('x', '1'));
      const receipt = await engine.publish({
        bind: { pattern: '^[ab]$' },
        batch: batchOf(of('x', '1'), 'y'),
      });
      expect(receipt.streams).toEqual([
        { stream: 'a', first: 3, duplicates: [0, 2] },
        { stream: 'b', first: 1 },
      ]);
      expect(await engine.streamInfo('a')).toMatchObject({ messages: 3 });
      expect(await engine.streamInfo('b')).toMatchObject({ messages: 2 });
    });

    test('of a stream with a window of 0 mean nothing', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', { dedupWindowMs: 0 });
      for (let i = 1; i <= 3; i++)
        expect(await placed(engine, of('x', '1'))).toEqual({ stream: 's', first: i });
      // Set to more, it counts from then on.
      await engine.updateStream('s', { dedupWindowMs: 3_600_000 });
      expect(await placed(engine, of('x', '1'))).toEqual({ stream: 's', first: 4 });
      expect(await placed(engine, of('x', '1'))).toMatchObject({ duplicates: [0, 4] });
    });

    test('are forgotten when their window is over, and not before', async () => {
      await using opened = await open();
      await opened.engine.createStream('s', { dedupWindowMs: 1_500 });
      const watch = new Stopwatch();
      await publish(opened.engine, 's', of('x', '1'));
      if (survives) await opened.restart();
      const { engine } = opened;
      await eventually(async () => (await placed(engine, of('x', '1'))).duplicates === undefined);
      expect(watch.ms).toBeGreaterThanOrEqual(1_500);
      expect(await engine.streamInfo('s')).toMatchObject({ messages: 2 });
    });

    test('of delayed messages are known from when they were published', async () => {
      await using opened = await open();
      await opened.engine.createStream('s', {});
      const first = await placed(opened.engine, { ...of('x', '1'), delayMs: 300 });
      const id = first.delayed![1]!;
      expect(await placed(opened.engine, of('x', '1'))).toMatchObject({
        duplicates: [0, 0],
        delayed: [0, id],
      });
      if (survives) await opened.restart();
      const { engine } = opened;
      const follower = await RecordingFollower.follow(engine, { stream: 's' }, { credit: 10 });
      await follower.until(1);
      expect((await placed(engine, of('x', '1'))).duplicates).toHaveLength(2);
      await publish(engine, 's', 'y');
      await follower.until(2);
      expect(follower.bodies).toEqual(['x', 'y']);
    });

    test('of a stream that was deleted are no longer known', async () => {
      await using opened = await open();
      await opened.engine.createStream('s', {});
      await publish(opened.engine, 's', of('x', '1'));
      await opened.engine.deleteStream('s');
      await opened.engine.createStream('s', {});
      if (survives) await opened.restart();
      expect(await placed(opened.engine, of('x', '1'))).toEqual({ stream: 's', first: 1 });
    });

    test('that were refused with their publish are not known', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', { maxMessages: 1 });
      const refused = publish(engine, 's', of('x', '1'), of('y', '2'));
      await expect(refused).rejects.toMatchObject({ code: 'StreamFull' });
      expect(await placed(engine, of('x', '1'))).toEqual({ stream: 's', first: 1 });
    });

    test('of thousands are all known, over a restart too', async () => {
      await using opened = await open();
      await opened.engine.createStream('s', {});
      const records = Array.from({ length: 5_000 }, (_, index) => of(`${index}`, `id ${index}`));
      await publish(opened.engine, 's', ...records);
      if (survives) await opened.restart();
      const { first, duplicates } = await placed(opened.engine, ...records, of('new', 'new'));
      expect(first).toBe(5_001);
      expect(duplicates).toEqual(records.flatMap((_, index) => [index, index + 1]));
    });
  });
}

function of(body: string, messageId: string): { body: string; messageId: string } {
  return { body, messageId };
}

/** Where the records are that were published to the one stream. */
async function placed(engine: Engine, ...records: readonly TestRecord[]): Promise<PlacedBatch> {
  const { streams } = await publish(engine, 's', ...records);
  return streams[0]!;
}
