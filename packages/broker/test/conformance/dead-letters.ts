import { ATTRIBUTES_BYTES_MAX, readRecord } from '@simplemq/protocol';
import { describe, expect, test } from 'vitest';
import { sharingBatch } from '../batches.ts';
import { RecordingFollower } from '../recording-follower.ts';
import { publish } from './asking.ts';
import type { EngineKind } from './engine-kind.ts';
import { lettersOf, untilDead } from './letters.ts';
import { pass } from './waiting.ts';

const bind = { stream: 's' };
/** One delivery, and no second. */
const once = { retry: { maxDeliveries: 1 } };

/** How messages come to be dead letters, and what those tell. */
export function deadLetters({ open, survives }: EngineKind): void {
  describe('dead letters', () => {
    test('are made of messages that failed as often as they may, and tell of each attempt', async () => {
      await using opened = await open();
      await opened.engine.createStream('s', {});
      const options = { retry: { maxDeliveries: 3, delayMs: 0 } };
      const from = Date.now();
      const follower = await RecordingFollower.follow(opened.engine, bind, { credit: 1, options });
      const record = { body: 'x', key: 'k', headers: { a: '1', b: '2' }, messageId: 'id' };
      await publish(opened.engine, 's', record, 'other');
      await follower.until(1);
      await follower.fail([follower.deliveries[0]!], 'first');
      await follower.fail([await follower.next()], 'second');
      if (survives) await opened.restart();
      const { engine } = opened;
      const last = await RecordingFollower.follow(engine, bind, { credit: 1 });
      await last.until(1);
      expect(last.deliveries).toMatchObject([{ body: 'x', attempt: 3 }]);
      await last.fail(last.deliveries, 'Third and last');
      const [letter] = await untilDead(engine, 1);
      expect(letter).toMatchObject({
        body: 'x',
        attributes: { key: 'k', headers: { a: '1', b: '2' } },
        dead: { stream: 's', group: 'workers', sequence: 1, cause: 'maxDeliveries', error: 'Third and last' },
      });
      const { attempts, publishedAt, diedAt } = letter!.dead;
      const failures = ['first', 'second', 'Third and last'];
      expect(attempts.map(({ attempt, cause, error }) => [attempt, cause, error])).toEqual(
        failures.map((error, index) => [index + 1, 'nack', error]),
      );
      const times = [from, publishedAt, ...attempts.map(({ at }) => at), diedAt, Date.now()];
      expect(times).toEqual([...times].sort((a, b) => a - b));
      // It left the pending entry list with that, and the stream.
      expect(await engine.groupInfo('s', 'workers')).toMatchObject({ pending: 0, lag: 1, deadLettered: 1 });
      expect(await engine.streamInfo('s')).toMatchObject({ messages: 1 });
      expect(await engine.streamInfo('$dead.s')).toMatchObject({ messages: 1 });
      expect(await last.next()).toMatchObject({ body: 'other' });
    });

    test('tell how deliveries ended that nobody settled', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      const options = { retry: { maxDeliveries: 2, delayMs: 0 } };
      const hung = await RecordingFollower.follow(engine, bind, { credit: 1, leaseMs: 100, options });
      await publish(engine, 's', 'x');
      await hung.until(1);
      const lost = await RecordingFollower.follow(engine, bind, { credit: 1, client: 'lost one' });
      await lost.until(1);
      lost.lose();
      const [letter] = await untilDead(engine, 1);
      expect(letter!.dead).toMatchObject({
        cause: 'maxDeliveries',
        error: expect.stringContaining('lost one'),
        attempts: [
          { attempt: 1, cause: 'expired', error: expect.stringContaining('100 ms') },
          { attempt: 2, cause: 'disconnected' },
        ],
      });
    });

    test('are made of what is rejected, at once and with the reason', async () => {
      await using opened = await open();
      await opened.engine.createStream('s', {});
      const follower = await RecordingFollower.follow(opened.engine, bind, { credit: 4 });
      await publish(opened.engine, 's', '1', '2', '3', '4');
      await follower.until(4);
      const [first, second, third, fourth] = follower.deliveries;
      expect(await follower.reject([first!, third!], 'makes no sense')).toEqual([]);
      // It is there when the reject is answered.
      if (survives) await opened.restart();
      const { engine } = opened;
      const letters = await lettersOf(engine);
      expect(letters.map(({ body, dead }) => [body, dead.cause, dead.error, dead.attempts.length])).toEqual([
        ['1', 'rejected', 'makes no sense', 1],
        ['3', 'rejected', 'makes no sense', 1],
      ]);
      expect(letters[0]!.dead.attempts).toMatchObject([{ attempt: 1, cause: 'rejected' }]);
      expect(await engine.streamInfo('s')).toMatchObject({ messages: 2 });
      const rest = await RecordingFollower.follow(engine, bind, { credit: 10 });
      if (survives) {
        await rest.until(2);
        expect(rest.bodies).toEqual(['2', '4']);
        expect(await rest.ack(...rest.deliveries)).toEqual([]);
      } else {
        expect(await follower.ack(second!, fourth!)).toEqual([]);
      }
      expect(await engine.streamInfo('s')).toMatchObject({ messages: 0, bytes: 0 });
    });

    test('keep the first 1,000 characters of why they were rejected', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      const follower = await RecordingFollower.follow(engine, bind, { credit: 1 });
      await publish(engine, 's', 'x');
      await follower.until(1);
      await follower.reject(follower.deliveries, 'because '.repeat(100_000));
      const kept = 'because '.repeat(125);
      const [letter] = await lettersOf(engine);
      expect(letter!.dead).toMatchObject({ error: kept, attempts: [{ error: kept }] });
    });

    test('have no longer attributes than other messages, whatever their headers and errors', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      const options = { retry: { maxDeliveries: 25, delayMs: 0 } };
      const follower = await RecordingFollower.follow(engine, bind, { credit: 2, options });
      const headers = { large: 'x'.repeat(65_000), small: 'y'.repeat(500) };
      await publish(engine, 's', { body: 'of large headers', headers }, 'of none');
      for (let attempt = 1; attempt <= 25; attempt++) {
        await follower.until(2 * attempt);
        await follower.fail(follower.deliveries.slice(-2), `${attempt} ${'€'.repeat(1_000)}`);
        follower.credit(2);
      }
      const letters = await untilDead(engine, 2);
      const { runs } = await engine.deadLetters({ stream: 's' });
      for (const [index, { shared, records }] of runs.entries()) {
        const own = readRecord(records, 0).attributes;
        expect(Math.max(shared.length, own.length)).toBeLessThanOrEqual(ATTRIBUTES_BYTES_MAX);
        const attempts = letters[index]!.dead.attempts.map(({ attempt }) => attempt);
        // As many of the last as there is room for.
        expect(attempts).toEqual(Array.from({ length: 18 }, (_, at) => at + 8));
      }
      expect(letters.map(({ attributes }) => attributes.headers)).toEqual([headers, undefined]);
      await engine.redrive({ stream: 's' });
      await follower.until(52);
      const redriven = follower.deliveries.slice(-2);
      expect(redriven.map(({ attributes }) => attributes)).toEqual([
        { headers, group: 'workers' },
        { group: 'workers' },
      ]);
    });

    test('are not made of what is rejected too late', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      const follower = await RecordingFollower.follow(engine, bind, { credit: 2 });
      await publish(engine, 's', '1', '2');
      await follower.until(2);
      const [first, second] = follower.deliveries;
      await follower.ack(first!);
      const stale = [{ stream: 's', ranges: [{ first: 1, last: 1, attempt: 1 }] }];
      expect(await follower.reject([first!, second!])).toEqual(stale);
      expect((await lettersOf(engine)).map(({ body }) => body)).toEqual(['2']);
    });

    if (survives)
      test('are not told to be there when the broker stopped before they were', async () => {
        await using opened = await open();
        await opened.engine.createStream('s', {});
        const follower = await RecordingFollower.follow(opened.engine, bind, { credit: 1 });
        await publish(opened.engine, 's', 'x');
        await follower.until(1);
        const told = follower.reject(follower.deliveries).then(
          () => 'buried',
          (error) => error.code,
        );
        await opened.restart();
        const letters = await lettersOf(opened.engine);
        expect(await told).toBe(letters.length === 1 ? 'buried' : 'ServerClosing');
        if (letters.length === 1) return;
        const again = await RecordingFollower.follow(opened.engine, bind, { credit: 1 });
        await again.until(1);
        expect(again.attempts).toEqual([2]);
      });

    test('are made in each group by itself', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      const follow = (group: string) => RecordingFollower.follow(engine, bind, { group, credit: 1 });
      const [a, b] = [await follow('a'), await follow('b')];
      await publish(engine, 's', 'x');
      await Promise.all([a.until(1), b.until(1)]);
      await a.reject(a.deliveries, 'of a');
      expect(await engine.streamInfo('s')).toMatchObject({ messages: 1 });
      await b.reject(b.deliveries, 'of b');
      expect(await engine.streamInfo('s')).toMatchObject({ messages: 0, bytes: 0 });
      const letters = await lettersOf(engine);
      expect(letters.map(({ dead }) => [dead.group, dead.error])).toEqual([
        ['a', 'of a'],
        ['b', 'of b'],
      ]);
    });

    test('are there before anything died, as none', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      expect(await lettersOf(engine)).toEqual([]);
      expect(await engine.redrive({ stream: 's' })).toMatchObject({ messages: 0, more: false });
      expect(await engine.deleteDeadLetters({ stream: 's' })).toMatchObject({ messages: 0, more: false });
      for (const asked of [
        engine.deadLetters({ stream: 'none' }),
        engine.redrive({ stream: 'none' }),
        engine.deleteDeadLetters({ stream: 'none' }),
      ]) {
        await expect(asked).rejects.toMatchObject({ code: 'StreamNotFound' });
      }
    });

    test('go with their stream, and one of its name begins without any', async () => {
      await using opened = await open();
      await opened.engine.createStream('s', {});
      const follower = await RecordingFollower.follow(opened.engine, bind, { credit: 1 });
      await publish(opened.engine, 's', 'x');
      await follower.until(1);
      await follower.reject(follower.deliveries);
      await opened.engine.deleteStream('s');
      if (survives) await opened.restart();
      const { engine } = opened;
      const gone = { code: 'StreamNotFound' };
      await expect(engine.deadLetters({ stream: 's' })).rejects.toMatchObject(gone);
      await expect(engine.streamInfo('$dead.s')).rejects.toMatchObject(gone);
      await engine.createStream('s', {});
      expect(await lettersOf(engine)).toEqual([]);
    });

    test('are a stream that can be followed, and that patterns pass over unless they name it', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      const regex = await RecordingFollower.follow(engine, { pattern: '.' }, { group: 'all', credit: 10 });
      const dead = await RecordingFollower.follow(engine, { pattern: '^\\$dead' }, { credit: 10 });
      await publish(engine, 's', 'x');
      await regex.until(1);
      await regex.reject(regex.deliveries, 'why not');
      await dead.until(1);
      expect(dead.deliveries).toMatchObject([
        { stream: '$dead.s', body: 'x', attributes: { dead: { error: 'why not' } } },
      ]);
      await dead.ack(...dead.deliveries);
      expect(await lettersOf(engine)).toEqual([]);
      expect(await engine.streamInfo('$dead.s')).toMatchObject({ messages: 0, bytes: 0 });
      expect(regex.deliveries).toHaveLength(1);
      expect((await engine.listStreams({})).streams.map(({ name }) => name)).toEqual(['s']);
    });

    test('are made of what expired where the group asks for it', async () => {
      await using opened = await open();
      await opened.engine.createStream('s', {});
      const options = { deadLetterExpired: true };
      await opened.engine.createGroup({ stream: 's', group: 'buries', options });
      await opened.engine.createGroup({ stream: 's', group: 'drops' });
      await opened.engine.publish({ bind, batch: sharingBatch({ ttlMs: 30 }, '1', '2') });
      await publish(opened.engine, 's', '3');
      await pass(40);
      const follow = (group: string) => RecordingFollower.follow(opened.engine, bind, { group, credit: 9 });
      const [buries, drops] = [await follow('buries'), await follow('drops')];
      await Promise.all([buries.until(1), drops.until(1)]);
      const letters = await untilDead(opened.engine, 2);
      expect([...buries.bodies, ...drops.bodies]).toEqual(['3', '3']);
      expect(letters.map(({ body, dead }) => [body, dead.group, dead.cause, dead.attempts])).toEqual([
        ['1', 'buries', 'expired', []],
        ['2', 'buries', 'expired', []],
      ]);
      expect(await opened.engine.groupInfo('s', 'buries')).toMatchObject({ expired: 2, deadLettered: 2 });
      expect(await opened.engine.groupInfo('s', 'drops')).toMatchObject({ expired: 2, deadLettered: 0 });
      // Redriven, they do not expire again.
      await opened.engine.redrive({ stream: 's' });
      await buries.until(3);
      expect(buries.bodies).toEqual(['3', '1', '2']);
    });

    test('are made of what failed for the last time just before a restart', async () => {
      if (!survives) return;
      await using opened = await open();
      await opened.engine.createStream('s', {});
      const follower = await RecordingFollower.follow(opened.engine, bind, { credit: 2, options: once });
      await publish(opened.engine, 's', '1', '2');
      await follower.until(2);
      await follower.fail([follower.deliveries[0]!], 'broken');
      // The second is in hand: when the engine closes, its only delivery has failed too.
      await opened.restart();
      const letters = await untilDead(opened.engine, 2);
      expect(letters.map(({ body, dead }) => [body, dead.cause, dead.attempts.length]).sort()).toEqual([
        ['1', 'maxDeliveries', 1],
        ['2', 'maxDeliveries', 1],
      ]);
      expect(await opened.engine.streamInfo('s')).toMatchObject({ messages: 0 });
    });
  });
}
