import { describe, expect, test } from 'vitest';
import { batchOf, sharingBatch, type TestRecord } from '../batches.ts';
import { RecordingFollower } from '../recording-follower.ts';
import { messagesOf, publish, readAll } from './asking.ts';
import type { EngineKind } from './engine-kind.ts';

const bind = { stream: 's' };
const [LOW, NORMAL, HIGH, CRITICAL] = [0, 1, 2, 3];

export function priorities({ open, survives }: EngineKind): void {
  describe('priorities', () => {
    test('go before lower ones, and each keeps its order', async () => {
      await using opened = await open();
      await opened.engine.createStream('s', {});
      await publish(opened.engine, 's', low('l1'), normal('n1'), high('h1'), critical('c1'), 'n2', low('l2'));
      await publish(opened.engine, 's', critical('c2'), low('l3'), high('h2'), 'n3');
      if (survives) await opened.restart();
      const { engine } = opened;
      const follower = await RecordingFollower.follow(engine, bind);
      for (let i = 0; i < 10; i++) await follower.next();
      expect(follower.bodies).toEqual(['c1', 'c2', 'h1', 'h2', 'n1', 'n2', 'n3', 'l1', 'l2', 'l3']);
      await follower.ack(...follower.deliveries);
      expect(await engine.streamInfo('s')).toMatchObject({ messages: 0, bytes: 0 });
      expect(await engine.groupInfo('s', 'workers')).toMatchObject({ lag: 0, pending: 0, ackFloor: 10 });
    });

    test('go before what came earlier and waits still', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      await publish(engine, 's', 'n1', 'n2');
      const follower = await RecordingFollower.follow(engine, bind);
      await follower.next();
      await publish(engine, 's', critical('c1'));
      await follower.next();
      await follower.next();
      expect(follower.bodies).toEqual(['n1', 'c1', 'n2']);
    });

    test('have sequence numbers in the order of the records, whatever they are', async () => {
      await using opened = await open();
      await opened.engine.createStream('s', {});
      const records = [low('1'), critical('2'), '3', critical('4'), critical('5'), high('6'), low('7')];
      const receipt = await publish(opened.engine, 's', ...records);
      expect(receipt.streams).toEqual([{ stream: 's', first: 1 }]);
      if (survives) await opened.restart();
      const { engine } = opened;
      const page = messagesOf(await engine.read({ stream: 's' }));
      expect(page.map(({ body }) => body)).toEqual(page.map(({ sequence }) => `${sequence}`));
      const follower = await RecordingFollower.follow(engine, bind, { credit: 100 });
      await follower.until(7);
      for (const { sequence, body } of follower.deliveries) expect(`${sequence}`).toBe(body);
    });

    test('may be shared by a whole batch, and a record may have its own', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      await publish(engine, 's', 'normal');
      await engine.publish({ bind, batch: sharingBatch({ priority: HIGH }, 'high', low('low')) });
      const follower = await RecordingFollower.follow(engine, bind);
      for (let i = 0; i < 3; i++) await follower.next();
      expect(follower.deliveries.map(({ body, attributes }) => [body, attributes.priority])).toEqual([
        ['high', HIGH],
        ['normal', undefined],
        ['low', LOW],
      ]);
    });

    test('hold for what is delivered again too', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      await publish(engine, 's', low('l1'), 'n1', 'n2', critical('c1'));
      const follower = await RecordingFollower.follow(engine, bind);
      const c1 = await follower.next();
      const n1 = await follower.next();
      await follower.nack([n1, c1]);
      for (let i = 0; i < 4; i++) await follower.next();
      expect(follower.deliveries.slice(2).map(({ body, attempt }) => [body, attempt])).toEqual([
        ['c1', 2],
        ['n1', 2],
        ['n2', 1],
        ['l1', 1],
      ]);
    });

    test('starve the lower ones only where the group does not yield', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      const options = { yieldEvery: 3 };
      await engine.createGroup({ stream: 's', group: 'yields', options });
      const of = (body: string, priority: number) => Array.from({ length: 12 }, () => ({ body, priority }));
      await publish(engine, 's', ...of('l', LOW!), ...of('n', NORMAL!), ...of('c', CRITICAL!));
      const strict = await RecordingFollower.follow(engine, bind, { group: 'strict' });
      const yielding = await RecordingFollower.follow(engine, bind, { group: 'yields' });
      for (let i = 0; i < 36; i++) await Promise.all([strict.next(), yielding.next()]);
      expect(strict.bodies.join('')).toBe('c'.repeat(12) + 'n'.repeat(12) + 'l'.repeat(12));
      const order = yielding.bodies.join('');
      // Of any four neighbours one is of a lower priority, while there are all of them.
      expect(order.slice(0, 16).match(/.{4}/g)).toEqual(
        Array.from({ length: 4 }, () => expect.stringMatching(/^ccc[nl]$/)),
      );
      // And the lower ones take turns.
      expect(order.slice(0, 16)).toContain('n');
      expect(order.slice(0, 16)).toContain('l');
      expect([...order].sort().join('')).toBe('c'.repeat(12) + 'l'.repeat(12) + 'n'.repeat(12));
    });

    test('yield with any credit', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      const options = { yieldEvery: 5 };
      const records = Array.from({ length: 300 }, (_, i) =>
        i % 3 === 0 ? low(`${i + 1}`) : critical(`${i + 1}`),
      );
      await publish(engine, 's', ...records);
      const follower = await RecordingFollower.follow(engine, bind, { options, credit: 300 });
      await follower.until(300);
      const isLow = follower.deliveries.map(({ attributes }) => attributes.priority === LOW);
      for (let at = 0; at + 6 <= 240; at += 6) expect(isLow.slice(at, at + 6)).toContain(true);
      for (const wanted of [true, false]) {
        const ofOne = follower.sequences.filter((_, index) => isLow[index] === wanted);
        expect(ofOne).toEqual([...ofOne].sort((a, b) => a - b));
      }
    });

    test('are of each group by itself, with what is pending in all of them', async () => {
      await using opened = await open();
      await opened.engine.createStream('s', {});
      const records = Array.from({ length: 40 }, (_, i) => ({ body: `${i + 1}`, priority: i % 4 }));
      const follower = await RecordingFollower.follow(opened.engine, bind, { group: 'a', credit: 25 });
      await publish(opened.engine, 's', ...records);
      await follower.until(25);
      expect(await opened.engine.groupInfo('s', 'a')).toMatchObject({ lag: 15, pending: 25 });
      await follower.ack(...follower.deliveries.slice(0, 20));
      expect(await opened.engine.streamInfo('s')).toMatchObject({ messages: 20 });
      follower.close();
      if (survives) await opened.restart();
      const { engine } = opened;
      expect(await engine.groupInfo('s', 'a')).toMatchObject({ lag: 15, pending: 5 });
      const { entries } = await engine.pending({ stream: 's', group: 'a' });
      expect(entries.flatMap(({ first, last }) => [first, last])).toEqual(
        follower.sequences
          .slice(20)
          .sort((a, b) => a - b)
          .flatMap((sequence) => [sequence, sequence]),
      );
      expect(await readAll(engine, 's')).toHaveLength(20);
      const rest = await RecordingFollower.follow(engine, bind, { group: 'a', credit: 100 });
      await rest.until(20);
      await rest.ack(...rest.deliveries);
      const all = [...follower.sequences.slice(0, 20), ...rest.sequences].sort((a, b) => a - b);
      expect(all).toEqual(records.map((_, index) => index + 1));
      expect(await engine.streamInfo('s')).toMatchObject({ messages: 0, bytes: 0 });
    });

    test('of many messages in many batches are all delivered, each once', async () => {
      await using opened = await open();
      await opened.engine.createStream('s', {});
      const body = 'x'.repeat(500);
      for (let i = 0; i < 40; i++) {
        const records = Array.from({ length: 50 }, (_, j) => ({ body, priority: (i * 7 + j * 3) % 4 }));
        await opened.engine.publish({ bind, batch: batchOf(...records) });
      }
      if (survives) await opened.restart();
      const { engine } = opened;
      const follower = await RecordingFollower.follow(engine, bind, { credit: 2_000 });
      await follower.until(2_000);
      expect([...follower.sequences].sort((a, b) => a - b)).toEqual(
        Array.from({ length: 2_000 }, (_, index) => index + 1),
      );
      const urgencies = follower.deliveries.map(({ attributes }) => attributes.priority!);
      expect(urgencies).toEqual([...urgencies].sort((a, b) => b - a));
      await follower.ack(...follower.deliveries);
      expect(await engine.streamInfo('s')).toMatchObject({ messages: 0, bytes: 0 });
    });
  });
}

const prioritized =
  (priority: number) =>
  (body: string): TestRecord => ({ body, priority });
const low = prioritized(LOW!);
const normal = prioritized(NORMAL!);
const high = prioritized(HIGH!);
const critical = prioritized(CRITICAL!);
