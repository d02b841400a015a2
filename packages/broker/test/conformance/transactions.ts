import { describe, expect, test } from 'vitest';
import { batchOf, batchOfMany } from '../batches.ts';
import { RecordingFollower, rangesOf } from '../recording-follower.ts';
import { publish, readAll } from './asking.ts';
import type { EngineKind } from './engine-kind.ts';

const id = '00112233445566778899aabbccddeeff';

export function transactions({ open, survives }: EngineKind): void {
  describe('a transaction', () => {
    test('publishes to several streams and acks, as one', async () => {
      await using opened = await open();
      for (const name of ['in', 'out1', 'out2', 'log']) await opened.engine.createStream(name, {});
      await publish(opened.engine, 'in', '1', '2', '3');
      const follower = await RecordingFollower.follow(opened.engine, { stream: 'in' }, { credit: 2 });
      await follower.until(2);
      const receipt = await opened.engine.transaction({
        publishes: [
          { bind: { pattern: '^out' }, batch: batchOf('a', 'b') },
          { bind: { stream: 'log' }, batch: batchOf('did it') },
          { bind: { stream: 'out2' }, batch: batchOf('c') },
          { bind: { pattern: '^none$' }, batch: batchOf('nobody') },
        ],
        acks: [{ follower: follower.engineFollower, entries: rangesOf(follower.deliveries) }],
      });
      expect(receipt.publishes).toEqual([
        [
          { stream: 'out1', first: 1 },
          { stream: 'out2', first: 1 },
        ],
        [{ stream: 'log', first: 1 }],
        [{ stream: 'out2', first: 3 }],
        [],
      ]);
      if (survives) await opened.restart();
      const { engine } = opened;
      expect((await readAll(engine, 'out2')).map(({ body }) => body)).toEqual(['a', 'b', 'c']);
      expect(await engine.streamInfo('in')).toMatchObject({ messages: 1, groups: [{ pending: 0, lag: 1 }] });
    });

    test('may only publish, only ack, or do nothing', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      const published = await engine.transaction({
        publishes: [{ bind: { stream: 's' }, batch: batchOf('x') }],
        acks: [],
      });
      expect(published.publishes).toEqual([[{ stream: 's', first: 1 }]]);
      const follower = await RecordingFollower.follow(engine, { stream: 's' }, { credit: 1 });
      await follower.until(1);
      const acks = [{ follower: follower.engineFollower, entries: rangesOf(follower.deliveries) }];
      expect((await engine.transaction({ publishes: [], acks })).publishes).toEqual([]);
      expect(await engine.streamInfo('s')).toMatchObject({ messages: 0 });
      expect((await engine.transaction({ publishes: [], acks: [] })).publishes).toEqual([]);
    });

    test('with an ack that comes too late does nothing, and leaves the messages to their followers', async () => {
      await using opened = await open();
      const { engine } = opened;
      for (const name of ['in', 'out']) await engine.createStream(name, {});
      await publish(engine, 'in', '1', '2', '3');
      const first = await RecordingFollower.follow(engine, { stream: 'in' }, { credit: 2 });
      await first.until(2);
      const second = await RecordingFollower.follow(engine, { stream: 'in' }, { credit: 1 });
      await second.until(1);
      await first.ack(first.deliveries[1]!);
      const transaction = engine.transaction({
        publishes: [{ bind: { stream: 'out' }, batch: batchOf('x') }],
        acks: [
          { follower: second.engineFollower, entries: rangesOf(second.deliveries) },
          { follower: first.engineFollower, entries: rangesOf(first.deliveries) },
        ],
      });
      await expect(transaction).rejects.toMatchObject({ code: 'StaleAck', details: { stream: 'in' } });
      expect(await engine.streamInfo('out')).toMatchObject({ messages: 0, nextSequence: 1 });
      expect(await engine.streamInfo('in')).toMatchObject({ messages: 2 });
      expect(await first.ack(first.deliveries[0]!)).toEqual([]);
      expect(await second.ack(...second.deliveries)).toEqual([]);
      expect(await engine.streamInfo('in')).toMatchObject({ messages: 0, bytes: 0 });
    });

    test('that acks a message twice does nothing', async () => {
      await using opened = await open();
      const { engine } = opened;
      for (const name of ['in', 'out']) await engine.createStream(name, {});
      const publishes = [{ bind: { stream: 'out' }, batch: batchOf('x') }];
      const range = { first: 1, last: 2, attempt: 1 };
      const entries = [{ stream: 'in', ranges: [range] }];
      const overlapping = [{ stream: 'in', ranges: [range, { first: 2, last: 3, attempt: 1 }] }];
      for (const twice of [[entries, entries], [[...entries, ...entries]], [overlapping]]) {
        await engine.deleteStream('in');
        await engine.createStream('in', {});
        const holder = await RecordingFollower.follow(engine, { stream: 'in' }, { credit: 3 });
        await publish(engine, 'in', '1', '2', '3');
        await holder.until(3);
        const acks = twice.map((asked) => ({ follower: holder.engineFollower, entries: asked }));
        await expect(engine.transaction({ publishes, acks })).rejects.toMatchObject({ code: 'StaleAck' });
        expect(await engine.streamInfo('in')).toMatchObject({ messages: 3, groups: [{ pending: 3 }] });
      }
      expect(await engine.streamInfo('out')).toMatchObject({ messages: 0 });
    });

    test('with a publish that cannot be does nothing either', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('in', {});
      await engine.createStream('full', { maxMessages: 1 });
      await engine.createStream('out', {});
      await publish(engine, 'full', 'x');
      await publish(engine, 'in', '1');
      const follower = await RecordingFollower.follow(engine, { stream: 'in' }, { credit: 1 });
      await follower.until(1);
      const acks = [{ follower: follower.engineFollower, entries: rangesOf(follower.deliveries) }];
      const out = { bind: { stream: 'out' }, batch: batchOf('x') };
      const refusals = [
        [{ bind: { stream: 'full' }, batch: batchOf('y') }, 'StreamFull'],
        [{ bind: { stream: 'none' }, batch: batchOf('y') }, 'StreamNotFound'],
        [{ bind: { pattern: '^none' }, batch: batchOf('y'), mustMatch: true }, 'NoMatchingStream'],
        [{ bind: { pattern: '(' }, batch: batchOf('y') }, 'InvalidPattern'],
      ] as const;
      for (const [refused, code] of refusals) {
        await expect(engine.transaction({ publishes: [out, refused], acks })).rejects.toMatchObject({ code });
      }
      expect(await engine.streamInfo('out')).toMatchObject({ messages: 0, nextSequence: 1 });
      expect((await engine.pending({ stream: 'in' })).entries).toMatchObject([
        { attempt: 1, follower: follower.id },
      ]);
      await engine.transaction({ publishes: [out], acks });
      expect(await engine.streamInfo('out')).toMatchObject({ messages: 1 });
      expect(await engine.streamInfo('in')).toMatchObject({ messages: 0 });
    });

    test('takes no more of a stream than it has room for, over all its publishes', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', { maxMessages: 5 });
      const three = { bind: { stream: 's' }, batch: batchOfMany(3) };
      const both = engine.transaction({ publishes: [three, three], acks: [] });
      await expect(both).rejects.toMatchObject({ code: 'StreamFull' });
      expect(await engine.streamInfo('s')).toMatchObject({ messages: 0, nextSequence: 1 });
      await engine.transaction({ publishes: [three], acks: [] });
    });

    test('that is sent again gets the same receipt, and is done once', async () => {
      await using opened = await open();
      for (const name of ['in', 'out']) await opened.engine.createStream(name, {});
      await publish(opened.engine, 'in', '1', '2');
      const follower = await RecordingFollower.follow(opened.engine, { stream: 'in' }, { credit: 1 });
      await follower.until(1);
      const request = {
        publishes: [{ bind: { stream: 'out' }, batch: batchOf('a', 'b') }],
        acks: [{ follower: follower.engineFollower, entries: rangesOf(follower.deliveries) }],
        producer: { id, number: 1, settled: 0 },
      };
      const [first, again] = await Promise.all([
        opened.engine.transaction(request),
        opened.engine.transaction(request),
      ]);
      expect(again).toEqual(first);
      if (survives) await opened.restart();
      const { engine } = opened;
      expect(await engine.transaction({ ...request, acks: [] })).toEqual(first);
      expect(await engine.streamInfo('out')).toMatchObject({ messages: 2, nextSequence: 3 });
      expect(await engine.streamInfo('in')).toMatchObject({ messages: 1 });
      const next = await engine.transaction({
        ...request,
        acks: [],
        producer: { id, number: 2, settled: 1 },
      });
      expect(next.publishes).toEqual([[{ stream: 'out', first: 3 }]]);
    });

    test('that was refused may be sent again with its number', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      const request = {
        publishes: [{ bind: { stream: 't' }, batch: batchOf('x') }],
        acks: [],
        producer: { id, number: 1, settled: 0 },
      };
      await expect(engine.transaction(request)).rejects.toMatchObject({ code: 'StreamNotFound' });
      await engine.createStream('t', {});
      expect((await engine.transaction(request)).publishes).toEqual([[{ stream: 't', first: 1 }]]);
    });

    test('acks what one follower holds of many streams, for its own group only', async () => {
      await using opened = await open();
      const { engine } = opened;
      for (const name of ['a', 'b']) await engine.createStream(name, {});
      const bind = { pattern: '^[ab]$' };
      const mine = await RecordingFollower.follow(engine, bind, { group: 'mine', credit: 10 });
      const theirs = await RecordingFollower.follow(engine, bind, { group: 'theirs', credit: 10 });
      await engine.publish({ bind, batch: batchOf('1', '2') });
      await Promise.all([mine.until(4), theirs.until(4)]);
      const acks = [{ follower: mine.engineFollower, entries: rangesOf(mine.deliveries) }];
      await engine.transaction({ publishes: [], acks });
      for (const stream of ['a', 'b']) {
        expect(await engine.groupInfo(stream, 'mine')).toMatchObject({ pending: 0 });
        expect(await engine.groupInfo(stream, 'theirs')).toMatchObject({ pending: 2 });
      }
    });

    test('keeps message ids, delays and priorities of what it publishes', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      await publish(engine, 's', { body: 'x', messageId: '1' });
      const records = [
        { body: 'x', messageId: '1' },
        { body: 'later', delayMs: 3_600_000 },
        { body: 'urgent', priority: 3 },
      ];
      const { publishes } = await engine.transaction({
        publishes: [{ bind: { stream: 's' }, batch: batchOf(...records) }],
        acks: [],
      });
      expect(publishes).toMatchObject([[{ first: 2, duplicates: [0, 1], delayed: [1, expect.any(Number)] }]]);
      const follower = await RecordingFollower.follow(engine, { stream: 's' });
      expect(await follower.next()).toMatchObject({ sequence: 2, body: 'urgent' });
    });

    test('that consumes and publishes moves each message once, whatever fails in between', async () => {
      await using opened = await open();
      for (const name of ['from', 'to']) await opened.engine.createStream(name, {});
      await opened.engine.publish({ bind: { stream: 'from' }, batch: batchOfMany(60) });
      for (let round = 0; round < 3; round++) {
        const { engine } = opened;
        const worker = await RecordingFollower.follow(engine, { stream: 'from' }, { credit: 20 });
        await worker.until(20);
        const moves = worker.deliveries.slice(0, 20).map((delivery) =>
          engine.transaction({
            publishes: [{ bind: { stream: 'to' }, batch: batchOf(delivery.body) }],
            acks: [{ follower: worker.engineFollower, entries: rangesOf([delivery]) }],
          }),
        );
        // Half of them are waited for, the others may be done or not when the worker is gone.
        await Promise.all(moves.slice(0, 10));
        worker.close();
        await Promise.allSettled(moves);
        if (survives) await opened.restart();
      }
      const { engine } = opened;
      const rest = await RecordingFollower.follow(engine, { stream: 'from' }, { credit: 100 });
      const { messages } = await engine.streamInfo('from');
      await rest.until(messages);
      for (const delivery of rest.deliveries) {
        await engine.transaction({
          publishes: [{ bind: { stream: 'to' }, batch: batchOf(delivery.body) }],
          acks: [{ follower: rest.engineFollower, entries: rangesOf([delivery]) }],
        });
      }
      const moved = (await readAll(engine, 'to')).map(({ body }) => Number(body)).sort((a, b) => a - b);
      expect(moved).toEqual(Array.from({ length: 60 }, (_, index) => index + 1));
    });
  });
}
