import { describe, expect, test } from 'vitest';
import { batchOfMany, sharingBatch } from '../batches.ts';
import { RecordingFollower } from '../recording-follower.ts';
import { messagesOf, publish, readAll } from './asking.ts';
import type { EngineKind } from './engine-kind.ts';
import { pass } from './waiting.ts';

const bind = { stream: 's' };

export function reading({ open, survives }: EngineKind): void {
  describe('reading', () => {
    test('tells all there is, with all that was sent with it, and consumes nothing', async () => {
      await using opened = await open();
      await opened.engine.createStream('s', {});
      const from = Date.now();
      const record = { body: 'a', key: 'k', headers: { h: '1' }, priority: 3, messageId: 'id' };
      await publish(opened.engine, 's', record, 'b');
      await opened.engine.publish({ bind, batch: sharingBatch({ key: 'shared' }, 'c') });
      if (survives) await opened.restart();
      const { engine } = opened;
      for (let i = 0; i < 2; i++) {
        const page = await engine.read({ stream: 's' });
        const { body: _, ...attributes } = record;
        expect(messagesOf(page)).toEqual([
          { sequence: 1, body: 'a', attributes },
          { sequence: 2, body: 'b', attributes: {} },
          { sequence: 3, body: 'c', attributes: { key: 'shared' } },
        ]);
        expect(page).toMatchObject({ next: 4, more: false });
        for (const { time } of page.runs) {
          expect(time).toBeGreaterThanOrEqual(from);
          expect(time).toBeLessThanOrEqual(Date.now());
        }
      }
      expect(await engine.streamInfo('s')).toMatchObject({ messages: 3, groups: [] });
    });

    test('begins at any sequence number, inside batches too', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      for (const count of [3, 1, 6]) await engine.publish({ bind, batch: batchOfMany(count) });
      for (let sequence = 1; sequence <= 12; sequence++) {
        const page = await engine.read({ stream: 's', startFrom: { sequence } });
        const expected = Array.from({ length: Math.max(0, 11 - sequence) }, (_, index) => sequence + index);
        expect(messagesOf(page).map((message) => message.sequence)).toEqual(expected);
        expect(page.more).toBe(false);
      }
      expect(await engine.read({ stream: 's', startFrom: 'new' })).toMatchObject({ runs: [], next: 11 });
      await expect(engine.read({ stream: 'none' })).rejects.toMatchObject({ code: 'StreamNotFound' });
    });

    test('goes a page at a time, over all priorities in the order of the sequence numbers', async () => {
      await using opened = await open();
      await opened.engine.createStream('s', {});
      for (let i = 0; i < 12; i++) {
        const records = Array.from({ length: 8 }, (_, j) => ({
          body: `${i * 8 + j + 1}`,
          priority: (i + j * j) % 4,
        }));
        await publish(opened.engine, 's', ...records);
      }
      if (survives) await opened.restart();
      const { engine } = opened;
      const expected = Array.from({ length: 96 }, (_, index) => `${index + 1}`);
      for (const limit of [1, 5, 7, 96, 1_000]) {
        const messages = await readAll(engine, 's', limit);
        expect(messages.map(({ body }) => body)).toEqual(expected);
      }
      const page = await engine.read({ stream: 's', limit: 5, startFrom: { sequence: 10 } });
      expect(messagesOf(page).map(({ sequence }) => sequence)).toEqual([10, 11, 12, 13, 14]);
      expect(page).toMatchObject({ next: 15, more: true });
    });

    test('gets through more than one page of bytes', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      const body = 'x'.repeat(60_000);
      for (let i = 0; i < 60; i++) await publish(engine, 's', { body, priority: i % 10 === 0 ? 3 : 1 });
      const messages = await readAll(engine, 's');
      expect(messages.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 60 }, (_, i) => i + 1));
    });

    test('begins at a time, over all priorities', async () => {
      await using opened = await open();
      await opened.engine.createStream('s', {});
      await publish(opened.engine, 's', { body: '1', priority: 0 }, '2', { body: '3', priority: 3 }, '4');
      await pass(5);
      const time = Date.now();
      await publish(opened.engine, 's', { body: '5', priority: 3 });
      await publish(opened.engine, 's', '6');
      if (survives) await opened.restart();
      const { engine } = opened;
      const page = await engine.read({ stream: 's', startFrom: { time } });
      expect(messagesOf(page).map(({ body }) => body)).toEqual(['5', '6']);
      const future = await engine.read({ stream: 's', startFrom: { time: time + 3_600_000 } });
      expect(future).toMatchObject({ runs: [], more: false });
      expect(messagesOf(await engine.read({ stream: 's', startFrom: { time: 1 } }))).toHaveLength(6);
    });

    test('passes over what all groups of a work stream have acked, and not over what one has', async () => {
      await using opened = await open();
      await opened.engine.createStream('s', {});
      const [a, b] = await Promise.all(
        ['a', 'b'].map((group) => RecordingFollower.follow(opened.engine, bind, { group, credit: 10 })),
      );
      await opened.engine.publish({ bind, batch: batchOfMany(6) });
      await Promise.all([a!.until(6), b!.until(6)]);
      await a!.ack(...a!.deliveries.filter(({ sequence }) => sequence !== 4));
      await b!.ack(...b!.deliveries.filter(({ sequence }) => [2, 3, 4, 5].includes(sequence)));
      if (survives) await opened.restart();
      const { engine } = opened;
      const left = await readAll(engine, 's');
      expect(left.map(({ sequence }) => sequence)).toEqual([1, 4, 6]);
      for (const limit of [1, 2]) expect(await readAll(engine, 's', limit)).toEqual(left);
    });

    test('begins with what is there where the beginning was trimmed', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', { retention: 'log' });
      await engine.publish({ bind, batch: batchOfMany(10) });
      await engine.purgeStream({ stream: 's', sequence: 4 });
      for (const startFrom of ['first', { sequence: 1 }, { time: 1 }] as const) {
        const page = await engine.read({ stream: 's', startFrom, limit: 2 });
        expect(messagesOf(page).map(({ sequence }) => sequence)).toEqual([4, 5]);
        expect(page).toMatchObject({ next: 6, more: true });
      }
      await engine.purgeStream({ stream: 's' });
      expect(await engine.read({ stream: 's' })).toMatchObject({ runs: [], next: 11, more: false });
    });

    test('of an empty stream is an empty page', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      expect(await engine.read({ stream: 's' })).toEqual({ runs: [], next: 1, more: false });
      await publish(engine, 's', { body: 'later', delayMs: 3_600_000 });
      expect(await engine.read({ stream: 's' })).toEqual({ runs: [], next: 1, more: false });
    });
  });
}
