import type { DelayedListed } from '@simplemq/protocol';
import { describe, expect, test } from 'vitest';
import type { Engine } from '../../src/engine/engine.ts';
import { batchOf, sharingBatch } from '../batches.ts';
import { RecordingFollower } from '../recording-follower.ts';
import { publish, readAll } from './asking.ts';
import type { EngineKind } from './engine-kind.ts';
import { eventually, pass, Stopwatch } from './waiting.ts';

const bind = { stream: 's' };
const LONG_MS = 3_600_000;

export function delays({ open, survives }: EngineKind): void {
  describe('delayed messages', () => {
    test('are delivered when they are due and not before, in the order in which they are', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      const follower = await RecordingFollower.follow(engine, bind, { credit: 10 });
      const arrivals: number[] = [];
      const watch = new Stopwatch();
      const before = Date.now();
      follower.onRun = (deliveries) => {
        for (const { body } of deliveries) {
          // What has a time of day is held against the clock that it was taken from.
          arrivals.push(body === '220' ? Date.now() - before : watch.ms);
        }
      };
      await publish(
        engine,
        's',
        { body: '400', delayMs: 400 },
        'now',
        { body: '120', delayMs: 120 },
        { body: '220', deliverAt: before + 220 },
      );
      await follower.until(4);
      expect(follower.bodies).toEqual(['now', '120', '220', '400']);
      expect(follower.sequences).toEqual([1, 2, 3, 4]);
      for (const [index, least] of [0, 120, 220, 400].entries()) {
        expect(arrivals[index]).toBeGreaterThanOrEqual(least);
      }
    });

    test('have ids in the receipt, apart from what enters at once', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      const later = (body: string) => ({ body, delayMs: LONG_MS });
      const receipt = await publish(engine, 's', 'a', later('b'), later('c'), 'd', later('e'));
      const [{ first, delayed = [] }] = receipt.streams as [(typeof receipt.streams)[0]];
      expect(first).toBe(1);
      expect(delayed.filter((_, index) => index % 2 === 0)).toEqual([1, 2, 4]);
      const ids = delayed.filter((_, index) => index % 2 === 1);
      expect(new Set(ids).size).toBe(3);
      for (const id of ids) expect(id).toBeGreaterThan(0);
      expect(await engine.streamInfo('s')).toMatchObject({ messages: 2, delayed: 3, nextSequence: 3 });
      const next = await publish(engine, 's', 'f');
      expect(next.streams).toEqual([{ stream: 's', first: 3 }]);
    });

    test('whose time has come already enter at once', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      const past = Date.now() - 1_000;
      const receipt = await publish(engine, 's', { body: 'a', delayMs: 0 }, { body: 'b', deliverAt: past });
      expect(receipt.streams).toEqual([{ stream: 's', first: 1 }]);
      expect(await engine.streamInfo('s')).toMatchObject({ messages: 2, delayed: 0 });
    });

    test('are listed, a page at a time, with when they are due', async () => {
      await using opened = await open();
      await opened.engine.createStream('s', {});
      await opened.engine.createStream('other', {});
      const at = Date.now() + 2 * LONG_MS;
      const ids = [
        ...(await delayedIds(opened.engine, { delayMs: LONG_MS }, 'a', 'b', 'c')),
        ...(await delayedIds(opened.engine, { deliverAt: at }, 'd')),
        ...(await delayedIds(opened.engine, { delayMs: 3 * LONG_MS }, 'e', 'f')),
      ];
      await publish(opened.engine, 'other', { body: 'x', delayMs: LONG_MS });
      const publishedBy = Date.now();
      if (survives) await opened.restart();
      const { engine } = opened;
      for (const limit of [1, 2, 100]) {
        const entries = await listDelayed(engine, limit);
        const listed = entries.flatMap(({ id, messages }) =>
          Array.from({ length: messages }, (_, index) => id + index),
        );
        expect(listed).toEqual(ids);
        const dueOf = (id: number) => entries.find((entry) => entry.id === id)?.deliverAt;
        expect(dueOf(ids[3]!)).toBe(at);
        expect(dueOf(ids[0]!)).toBeGreaterThan(publishedBy);
        expect(dueOf(ids[0]!)).toBeLessThan(at);
        expect(dueOf(ids[4]!)).toBeGreaterThan(at);
        expect(entries[0]!.bytes).toBeGreaterThan(0);
      }
      expect(await engine.streamInfo('s')).toMatchObject({ messages: 0, delayed: 6 });
      await expect(engine.listDelayed({ stream: 'none' })).rejects.toMatchObject({ code: 'StreamNotFound' });
    });

    test('are cancelled one by one, also out of the middle of a batch', async () => {
      await using opened = await open();
      await opened.engine.createStream('s', {});
      await opened.engine.createStream('other', {});
      const ids = await delayedIds(opened.engine, { delayMs: 5_000 }, '1', '2', '3', '4', '5');
      const [, two, , four] = ids;
      const cancel = (stream: string, ...wanted: (number | undefined)[]) =>
        opened.engine.cancelDelayed({ stream, ids: wanted.map((id) => id!) });
      expect(await cancel('other', two)).toBe(0);
      expect(await cancel('s', two, two, four, 4_711)).toBe(2);
      expect(await cancel('s', two)).toBe(0);
      expect(await opened.engine.streamInfo('s')).toMatchObject({ delayed: 3 });
      if (survives) await opened.restart();
      const { engine } = opened;
      const left = await listDelayed(engine, 100);
      expect(left.flatMap(({ id, messages }) => [id, messages])).toEqual([ids[0], 1, ids[2], 1, ids[4], 1]);
      const follower = await RecordingFollower.follow(engine, bind, { credit: 10 });
      await follower.until(3);
      expect([...follower.bodies].sort()).toEqual(['1', '3', '5']);
      // What has entered is not delayed any more.
      expect(await engine.cancelDelayed({ stream: 's', ids })).toBe(0);
      expect(await engine.streamInfo('s')).toMatchObject({ messages: 3, delayed: 0 });
    });

    test('are all cancelled or not at all by those who ask at the same time', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      const ids = await delayedIds(engine, { delayMs: LONG_MS }, '1', '2', '3', '4');
      const cancelled = await Promise.all([
        engine.cancelDelayed({ stream: 's', ids }),
        engine.cancelDelayed({ stream: 's', ids: ids.slice(1, 3) }),
        engine.cancelDelayed({ stream: 's', ids: ids.slice(0, 2) }),
      ]);
      expect(cancelled.reduce((sum, count) => sum + count, 0)).toBe(4);
      expect(await engine.streamInfo('s')).toMatchObject({ delayed: 0 });
      expect(await listDelayed(engine, 100)).toEqual([]);
    });

    test('survive a restart, and those that were due meanwhile come at once, in their order', async () => {
      if (!survives) return;
      await using opened = await open();
      await opened.engine.createStream('s', {});
      const at = Date.now() + 300;
      const records = [
        { body: 'third', deliverAt: at + 200 },
        { body: 'much later', delayMs: LONG_MS },
        { body: 'second', deliverAt: at + 100 },
        { body: 'first', deliverAt: at },
      ];
      const watch = new Stopwatch();
      await publish(opened.engine, 's', ...records, { body: 'steady', delayMs: 1_500 });
      await opened.restart(() => pass(500));
      const { engine } = opened;
      const follower = await RecordingFollower.follow(engine, bind, { credit: 10 });
      await follower.until(4);
      expect(follower.bodies).toEqual(['first', 'second', 'third', 'steady']);
      expect(watch.ms).toBeGreaterThanOrEqual(1_500);
      expect(await engine.streamInfo('s')).toMatchObject({ messages: 4, delayed: 1 });
    });

    test('enter once, also when the engine is closed while they do', async () => {
      if (!survives) return;
      await using opened = await open();
      await opened.engine.createStream('s', {});
      for (let round = 0; round < 3; round++) {
        const records = Array.from({ length: 50 }, (_, i) => ({ body: `${round}.${i}`, delayMs: 20 + i }));
        await publish(opened.engine, 's', ...records);
        await pass(10 * round);
        await opened.restart();
      }
      const { engine } = opened;
      await eventually(async () => (await engine.streamInfo('s')).messages === 150);
      expect(await engine.streamInfo('s')).toMatchObject({ delayed: 0 });
      const bodies = (await readAll(engine, 's')).map(({ body }) => body);
      expect(bodies).toHaveLength(150);
      expect(new Set(bodies).size).toBe(150);
    });

    test('keep their key, headers and priority, and their ttl begins when they enter', async () => {
      await using opened = await open();
      await opened.engine.createStream('s', {});
      const record = { body: 'x', key: 'k', headers: { a: '1' }, priority: 3, delayMs: 2_600, ttlMs: 2_500 };
      await publish(opened.engine, 's', record, { body: 'low', delayMs: 500, priority: 0 });
      if (survives) await opened.restart();
      const { engine } = opened;
      const follower = await RecordingFollower.follow(engine, bind, { credit: 10 });
      await follower.until(2);
      expect(follower.deliveries.find(({ body }) => body === 'x')?.attributes).toMatchObject({
        key: 'k',
        headers: { a: '1' },
        priority: 3,
      });
    });

    test('may all share their delay', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      const batch = sharingBatch({ delayMs: 100, key: 'k' }, '1', { body: '2', headers: { a: 'b' } });
      await engine.publish({ bind, batch });
      const follower = await RecordingFollower.follow(engine, bind, { credit: 10 });
      await follower.until(2);
      expect(follower.deliveries).toMatchObject([
        { body: '1', attributes: { key: 'k' } },
        { body: '2', attributes: { key: 'k', headers: { a: 'b' } } },
      ]);
    });

    test('reach every stream of a pattern', async () => {
      await using opened = await open();
      const { engine } = opened;
      for (const name of ['a1', 'a2']) await engine.createStream(name, {});
      const follower = await RecordingFollower.follow(engine, { pattern: '^a' }, { credit: 10 });
      const receipt = await engine.publish({
        bind: { pattern: '^a' },
        batch: batchOf({ body: 'x', delayMs: 50 }),
      });
      expect(receipt.streams.map(({ delayed }) => delayed?.length)).toEqual([2, 2]);
      await follower.until(2);
      expect(follower.deliveries.map(({ stream }) => stream).sort()).toEqual(['a1', 'a2']);
    });

    test('go with their stream', async () => {
      await using opened = await open();
      await opened.engine.createStream('s', {});
      const [id] = await delayedIds(opened.engine, { delayMs: 300 }, 'old');
      await opened.engine.deleteStream('s');
      await opened.engine.createStream('s', {});
      expect(await opened.engine.streamInfo('s')).toMatchObject({ delayed: 0 });
      expect(await listDelayed(opened.engine, 10)).toEqual([]);
      expect(await opened.engine.cancelDelayed({ stream: 's', ids: [id!] })).toBe(0);
      await publish(opened.engine, 's', { body: 'new', delayMs: 600 });
      if (survives) await opened.restart();
      const follower = await RecordingFollower.follow(opened.engine, bind, { credit: 10 });
      await follower.until(1);
      expect(follower.deliveries).toMatchObject([{ sequence: 1, body: 'new' }]);
    });

    test('are no part of a purge', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      await publish(engine, 's', 'now', { body: 'later', delayMs: 1_000 });
      expect(await engine.purgeStream({ stream: 's' })).toBe(1);
      const follower = await RecordingFollower.follow(engine, bind, { credit: 10 });
      await follower.until(1);
      expect(follower.bodies).toEqual(['later']);
    });
  });
}

async function delayedIds(
  engine: Engine,
  when: { delayMs: number } | { deliverAt: number },
  ...bodies: string[]
): Promise<number[]> {
  const { streams } = await publish(engine, 's', ...bodies.map((body) => ({ body, ...when })));
  return streams[0]!.delayed!.filter((_, index) => index % 2 === 1);
}

async function listDelayed(engine: Engine, limit: number): Promise<DelayedListed['entries']> {
  const entries: DelayedListed['entries'][number][] = [];
  for (let after = 0, more = true; more; ) {
    const page = await engine.listDelayed({ stream: 's', after, limit });
    const last = page.entries.at(-1)?.id ?? after;
    if (page.more && last <= after)
      throw new Error(`a page after ${after} says that there is more after ${last}`);
    entries.push(...page.entries);
    after = last;
    ({ more } = page);
  }
  return entries;
}
