import { describe, expect, test } from 'vitest';
import { batchOfMany } from '../batches.ts';
import { RecordingFollower, rangesOf, spelledOut } from '../recording-follower.ts';
import { messagesOf, publish } from './asking.ts';
import type { EngineKind } from './engine-kind.ts';
import { lettersOf, untilDead } from './letters.ts';
import { pass } from './waiting.ts';

const bind = { stream: 's' };
/** One delivery, and no second. */
const once = { retry: { maxDeliveries: 1 } };

/** What is done with dead letters. */
export function redriving({ open, survives }: EngineKind): void {
  describe('dead letters', () => {
    test('are found by what is asked for, a page at a time', async () => {
      await using opened = await open();
      await opened.engine.createStream('s', {});
      const rejectAs = async (group: string, error: string) => {
        const follower = await RecordingFollower.follow(opened.engine, bind, { group, credit: 6 });
        await follower.until(6);
        await follower.reject(follower.deliveries, error);
      };
      const record = (index: number) => ({ body: `${index}`, headers: { kind: `${index % 2}`, all: 'yes' } });
      await publish(opened.engine, 's', ...Array.from({ length: 6 }, (_, index) => record(index)));
      await opened.engine.createGroup({ stream: 's', group: 'b' });
      await rejectAs('a', 'Timed Out after 5 s');
      await pass(5);
      const between = Date.now();
      await pass(5);
      await rejectAs('b', 'wrong number');
      if (survives) await opened.restart();
      const { engine } = opened;
      const found = async (filter: object) =>
        (await lettersOf(engine, filter)).map(({ body, dead }) => `${dead.group}${body}`);
      const all = ['a0', 'a1', 'a2', 'a3', 'a4', 'a5', 'b0', 'b1', 'b2', 'b3', 'b4', 'b5'];
      expect(await found({})).toEqual(all);
      expect(await found({ group: 'b' })).toEqual(all.slice(6));
      expect(await found({ until: between })).toEqual(all.slice(0, 6));
      expect(await found({ since: between })).toEqual(all.slice(6));
      expect(await found({ error: 'timed out' })).toEqual(all.slice(0, 6));
      expect(await found({ headers: { kind: '1', all: 'yes' } })).toEqual(
        all.filter((name) => Number(name[1]) % 2 === 1),
      );
      expect(await found({ headers: { kind: '2' } })).toEqual([]);
      expect(await found({ sequences: [2, 9, 77] })).toEqual(['a1', 'b2']);
      expect(await found({ group: 'a', headers: { kind: '0' }, sequences: [1, 2, 3, 9] })).toEqual([
        'a0',
        'a2',
      ]);
      const first = await engine.deadLetters({ stream: 's', filter: { group: 'b' }, limit: 4 });
      expect(messagesOf(first).map(({ sequence }) => sequence)).toEqual([7, 8, 9, 10]);
      expect(first).toMatchObject({ more: true });
      const after = first.next - 1;
      const second = await engine.deadLetters({ stream: 's', filter: { group: 'b' }, after, limit: 4 });
      expect(messagesOf(second).map(({ sequence }) => sequence)).toEqual([11, 12]);
      expect(second).toMatchObject({ more: false });
    });

    test('are not looked for by an error that is longer than theirs can be', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      const follower = await RecordingFollower.follow(engine, bind, { credit: 1 });
      await publish(engine, 's', 'x');
      await follower.until(1);
      await follower.reject(follower.deliveries, 'Why '.repeat(1_000));
      const page = (length: number) => ({
        stream: 's',
        filter: { error: 'wHy '.repeat(length / 4) },
      });
      expect((await engine.deadLetters(page(1_000))).runs).toHaveLength(1);
      const invalid = { code: 'InvalidOption', details: { option: 'error', max: 1_000 } };
      await expect(engine.deadLetters(page(8 * 1024 * 1024))).rejects.toMatchObject(invalid);
      await expect(engine.redrive(page(1_004))).rejects.toMatchObject(invalid);
      await expect(engine.deleteDeadLetters(page(1_004))).rejects.toMatchObject(invalid);
    });

    test('are redriven to the group in which they died, and to no other', async () => {
      await using opened = await open();
      await opened.engine.createStream('s', {});
      const follow = (group: string) => RecordingFollower.follow(opened.engine, bind, { group, credit: 100 });
      const [died, other] = [await follow('died'), await follow('other')];
      const record = { body: 'x', key: 'k', headers: { a: '1' }, priority: 3, ttlMs: 3_600_000 };
      await publish(opened.engine, 's', record, 'y');
      await Promise.all([died.until(2), other.until(2)]);
      await other.ack(...other.deliveries);
      await died.reject(died.deliveries, 'not today');
      expect(await opened.engine.streamInfo('s')).toMatchObject({ messages: 0, bytes: 0 });
      died.close();
      other.close();
      const filter = { headers: { a: '1' } };
      expect(await opened.engine.redrive({ stream: 's', filter })).toMatchObject({
        messages: 1,
        more: false,
      });
      expect((await lettersOf(opened.engine)).map(({ body }) => body)).toEqual(['y']);
      if (survives) await opened.restart();
      const { engine } = opened;
      const [again, elsewhere] = [await follow('died'), await follow('other')];
      const late = await RecordingFollower.follow(engine, bind, { group: 'late', credit: 100 });
      await again.until(1);
      expect(again.deliveries).toMatchObject([
        { sequence: 3, attempt: 1, body: 'x', attributes: { key: 'k', headers: { a: '1' }, priority: 3 } },
      ]);
      await publish(engine, 's', 'z');
      await Promise.all([again.until(2), elsewhere.until(1), late.until(1)]);
      expect([...elsewhere.bodies, ...late.bodies]).toEqual(['z', 'z']);
      for (const follower of [again, elsewhere, late]) await follower.ack(...follower.deliveries);
      expect(await engine.streamInfo('s')).toMatchObject({ messages: 0, bytes: 0 });
    });

    test('that fail again are dead letters again, with the new attempts', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      const follower = await RecordingFollower.follow(engine, bind, { credit: 10, options: once });
      await publish(engine, 's', 'x');
      await follower.until(1);
      await follower.fail(follower.deliveries, 'once');
      await untilDead(engine, 1);
      await engine.redrive({ stream: 's' });
      await follower.until(2);
      await follower.fail([follower.deliveries[1]!], 'again');
      const [letter] = await untilDead(engine, 1);
      expect(letter).toMatchObject({ body: 'x', dead: { sequence: 2, error: 'again' } });
      expect(letter!.dead.attempts).toMatchObject([{ attempt: 1, error: 'again' }]);
    });

    test('are redriven and deleted a page at a time', async () => {
      await using opened = await open();
      await opened.engine.createStream('s', {});
      const options = { credit: 10 };
      const follower = await RecordingFollower.follow(opened.engine, bind, options);
      await opened.engine.publish({ bind, batch: batchOfMany(10) });
      await follower.until(10);
      await follower.reject(follower.deliveries);
      const first = await opened.engine.redrive({ stream: 's', limit: 3 });
      expect(first).toEqual({ messages: 3, after: 3, more: true });
      const { after } = first;
      const second = await opened.engine.deleteDeadLetters({ stream: 's', after, limit: 4 });
      expect(second).toEqual({ messages: 4, after: 7, more: true });
      if (survives) await opened.restart();
      const { engine } = opened;
      expect(await engine.streamInfo('$dead.s')).toMatchObject({ messages: 3, nextSequence: 11 });
      expect((await lettersOf(engine)).map(({ body }) => body)).toEqual(['8', '9', '10']);
      expect(await engine.redrive({ stream: 's', after: second.after })).toMatchObject({
        messages: 3,
        more: false,
      });
      expect(await engine.redrive({ stream: 's' })).toMatchObject({ messages: 0, more: false });
      expect(await engine.streamInfo('$dead.s')).toMatchObject({ messages: 0, bytes: 0 });
      const rest = await RecordingFollower.follow(engine, bind, { credit: 10 });
      follower.close();
      await rest.until(6);
      expect(rest.bodies).toEqual(['1', '2', '3', '8', '9', '10']);
    });

    test('are moved once by those who ask at the same time', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      const follower = await RecordingFollower.follow(engine, bind, { credit: 10 });
      await engine.publish({ bind, batch: batchOfMany(10) });
      await follower.until(10);
      await follower.reject(follower.deliveries);
      const moved = await Promise.all([
        engine.redrive({ stream: 's' }),
        engine.redrive({ stream: 's' }),
        engine.deleteDeadLetters({ stream: 's' }),
      ]);
      expect(moved.reduce((sum, { messages }) => sum + messages, 0)).toBe(10);
      expect(await engine.streamInfo('s')).toMatchObject({ messages: moved[0].messages + moved[1].messages });
      expect(await engine.streamInfo('$dead.s')).toMatchObject({ messages: 0, bytes: 0 });
    });

    test('that are taken away while a follower of them holds them are counted once', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      const follower = await RecordingFollower.follow(engine, bind, { credit: 10 });
      await engine.publish({ bind, batch: batchOfMany(4) });
      await follower.until(4);
      await follower.reject(follower.deliveries);
      const dead = await RecordingFollower.follow(engine, { stream: '$dead.s' }, { credit: 10 });
      await dead.until(4);
      const [first, second, third, fourth] = dead.deliveries;
      await dead.nack([second!], 60_000);
      await engine.deleteDeadLetters({ stream: 's', filter: { sequences: [1, 2] } });
      await engine.redrive({ stream: 's', filter: { sequences: [3] } });
      expect(await engine.streamInfo('$dead.s')).toMatchObject({ messages: 1, groups: [{ pending: 1 }] });
      const late = { stream: '$dead.s', ranges: [{ first: 1, last: 1, attempt: 1 }] };
      expect(await dead.ack(first!, fourth!)).toEqual([late]);
      expect(spelledOut(await dead.fail([third!]))).toEqual(spelledOut(rangesOf([third!])));
      expect(await engine.streamInfo('$dead.s')).toMatchObject({ messages: 0, bytes: 0 });
      expect(await engine.redrive({ stream: 's' })).toMatchObject({ messages: 0 });
      await follower.until(5);
      expect(follower.bodies[4]).toBe('3');
      if (survives) await opened.restart();
      expect(await opened.engine.streamInfo('$dead.s')).toMatchObject({ messages: 0, bytes: 0 });
    });

    if (survives)
      test('that are being redriven when the broker stops are redriven, or stay', async () => {
        await using opened = await open();
        await opened.engine.createStream('s', {});
        const follower = await RecordingFollower.follow(opened.engine, bind, { credit: 1 });
        await publish(opened.engine, 's', 'x');
        await follower.until(1);
        await follower.reject(follower.deliveries);
        const told = opened.engine.redrive({ stream: 's' }).then(
          ({ messages }) => messages,
          (error) => error.code,
        );
        // It looks for the letters.
        for (let turn = 0; turn < 5; turn++) await Promise.resolve();
        await opened.restart();
        const letters = await lettersOf(opened.engine);
        expect(await told).toBe(letters.length === 0 ? 1 : 'ServerClosing');
        expect(await opened.engine.streamInfo('s')).toMatchObject({ messages: 1 - letters.length });
      });

    test('that are taken away make way for others of their key', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      const follower = await RecordingFollower.follow(engine, bind, { credit: 10 });
      const record = (body: string) => ({ body, key: 'k' });
      await publish(engine, 's', ...['1', '2', '3', '4'].map(record));
      await follower.until(4);
      await follower.reject(follower.deliveries);
      const options = { credit: 10, options: { ordering: 'key' } as const };
      const dead = await RecordingFollower.follow(engine, { stream: '$dead.s' }, options);
      await dead.until(1);
      // One that is held, and one that waits for its key.
      await engine.deleteDeadLetters({ stream: 's', filter: { sequences: [1, 3] } });
      await dead.until(2);
      await dead.ack(dead.deliveries[1]!);
      await dead.until(3);
      expect(dead.bodies).toEqual(['1', '2', '4']);
    });

    test('of a group that is gone are not redriven, until it is there again', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      const [a, b] = [
        await RecordingFollower.follow(engine, bind, { group: 'a', credit: 10 }),
        await RecordingFollower.follow(engine, bind, { group: 'b', credit: 10 }),
      ];
      await publish(engine, 's', 'x');
      await Promise.all([a.until(1), b.until(1)]);
      await a.reject(a.deliveries);
      await b.reject(b.deliveries);
      await engine.deleteGroup('s', 'b');
      const gone = { code: 'GroupNotFound', details: { group: 'b' } };
      await expect(engine.redrive({ stream: 's' })).rejects.toMatchObject(gone);
      // All of a page or none of it.
      expect(await lettersOf(engine)).toHaveLength(2);
      expect(await engine.redrive({ stream: 's', filter: { group: 'a' } })).toMatchObject({ messages: 1 });
      await a.until(2);
      await engine.createGroup({ stream: 's', group: 'b', startFrom: 'new' });
      expect(await engine.redrive({ stream: 's' })).toMatchObject({ messages: 1 });
      const again = await RecordingFollower.follow(engine, bind, { group: 'b', credit: 10 });
      await again.until(1);
    });

    test('that have no room in their stream stay dead letters', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', { maxMessages: 2 });
      const follower = await RecordingFollower.follow(engine, bind, { credit: 2 });
      await publish(engine, 's', '1', '2');
      await follower.until(2);
      await follower.reject(follower.deliveries);
      await publish(engine, 's', '3');
      await expect(engine.redrive({ stream: 's' })).rejects.toMatchObject({ code: 'StreamFull' });
      expect(await lettersOf(engine)).toHaveLength(2);
      expect(await engine.redrive({ stream: 's', limit: 1 })).toMatchObject({ messages: 1, more: true });
    });
  });
}
