import { Bind, Connection, type Cursor, Follower, Publisher, type SimpleMQError } from '@simplemq/client';
import { type SpawnedBroker, spawnBroker } from '@simplemq/testkit';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { take, takeBodies } from './take.ts';

// A broker of its own for each, which is killed in the middle.
vi.setConfig({ testTimeout: 60_000 });

let broker: SpawnedBroker;
let connection: Connection;
let cursor: Cursor;

beforeEach(async () => {
  broker = await spawnBroker();
  connection = new Connection({ port: broker.port, reconnect: { minDelayMs: 10, maxDelayMs: 50 } });
  cursor = connection.cursor();
});

afterEach(async () => {
  await connection.close();
  await broker[Symbol.asyncDispose]();
});

function publisherOf(stream: string): Publisher<string> {
  return new Publisher<string>(connection, new Bind(stream));
}

describe('over a SIGKILL of the broker', () => {
  test('each group keeps its place, and what one has acked another still gets', async () => {
    await cursor.createStream('orders');
    await cursor.createGroup('orders', 'billing');
    await cursor.createGroup('orders', 'shipping');
    await publisherOf('orders').sendMessages(['1', '2', '3', '4']);
    const { bytes } = await cursor.streamInfo('orders');
    expect(await takeBodies(connection, 'orders', 3, { group: 'billing' })).toEqual(['1', '2', '3']);
    await broker.restart();
    expect(await cursor.streamInfo('orders')).toMatchObject({ bytes, messages: 4 });
    expect(await cursor.groupInfo('orders', 'billing')).toMatchObject({ lag: 1, ackFloor: 3 });
    expect(await takeBodies(connection, 'orders', 1, { group: 'billing' })).toEqual(['4']);
    expect(await takeBodies(connection, 'orders', 4, { group: 'shipping' })).toEqual(['1', '2', '3', '4']);
    expect(await cursor.streamInfo('orders')).toMatchObject({ messages: 0, bytes: 0 });
  });

  test('a group can begin at a time before it existed, and be moved back', async () => {
    await cursor.createStream('log', { retention: 'log' });
    await publisherOf('log').sendMessages(['old 1', 'old 2']);
    const [old] = await cursor.read('log', { from: { sequence: 2 } });
    const since = new Date(old!.timestamp.getTime() + 1);
    // Messages of one millisecond have one time.
    while (Date.now() <= since.getTime()) await new Promise(setImmediate);
    await publisherOf('log').sendMessages(['new 1', 'new 2']);
    await broker.restart();
    await cursor.createGroup('log', 'late', { startFrom: { time: since } });
    expect(await takeBodies(connection, 'log', 2, { group: 'late' })).toEqual(['new 1', 'new 2']);
    await cursor.resetGroup('log', 'late', { sequence: 2 });
    await broker.restart();
    const again = await take(connection, 'log', 3, { group: 'late' });
    expect(again.map(({ body, attempt }) => [body, attempt])).toEqual([
      ['old 2', 1],
      ['new 1', 1],
      ['new 2', 1],
    ]);
  });

  test('limits hold: one stream rejects what it has no room for, another drops its oldest', async () => {
    await cursor.createStream('full', { maxMessages: 3 });
    await cursor.createStream('ring', { retention: 'log', maxMessages: 3, overflow: 'drop-oldest' });
    await publisherOf('full').sendMessages(['1', '2', '3']);
    for (let n = 1; n <= 5; n++) await publisherOf('ring').sendMessage(`${n}`);
    await broker.restart();
    await expect(publisherOf('full').sendMessage('4')).rejects.toMatchObject({ code: 'StreamFull' });
    await take(connection, 'full', 1);
    await publisherOf('full').sendMessage('4');
    expect(await cursor.streamInfo('full')).toMatchObject({ messages: 3 });
    for (let n = 6; n < 60; n++) {
      await publisherOf('ring').sendMessage(`${n}`);
      expect((await cursor.read('ring')).map(({ body }) => body)).toEqual([`${n - 2}`, `${n - 1}`, `${n}`]);
    }
    expect(await cursor.purgeStream('ring', { sequence: 59 })).toBe(2);
    await broker.restart();
    expect((await cursor.read('ring')).map(({ sequence }) => sequence)).toEqual([59]);
  });

  test('attempts, delays and errors of a failing message go on, until it is a dead letter that has them all', async () => {
    await cursor.createStream('jobs');
    await cursor.createGroup('jobs', 'workers', { retry: { maxDeliveries: 3, delayMs: 1 } });
    await publisherOf('jobs').sendMessages(['good 1', 'poison', 'good 2']);
    const good: string[] = [];
    const fail = async (until: number) => {
      const follower = new Follower<string>(connection, new Bind('jobs'));
      for await (const message of follower.getMessages()) {
        if (message.body !== 'poison') {
          await message.ack();
          good.push(message.body);
          continue;
        }
        await message.nack({ reason: `broken in attempt ${message.attempt}` });
        if (message.attempt === until) break;
      }
    };
    await fail(2);
    await broker.restart();
    await fail(3);
    await broker.restart();
    const [letter] = await cursor.deadLetters<string>('jobs', { error: 'ATTEMPT 3' });
    expect(letter).toMatchObject({
      body: 'poison',
      group: 'workers',
      originalSequence: 2,
      cause: 'maxDeliveries',
    });
    expect(letter!.attempts.map(({ attempt, error }) => `${attempt}: ${error}`)).toEqual([
      '1: broken in attempt 1',
      '2: broken in attempt 2',
      '3: broken in attempt 3',
    ]);
    expect(good.sort()).toEqual(['good 1', 'good 2']);
    expect(await cursor.groupInfo('jobs', 'workers')).toMatchObject({ lag: 0, pending: 0 });
    expect(await cursor.redrive('jobs')).toBe(1);
    await broker.restart();
    expect(await takeBodies(connection, 'jobs', 1)).toEqual(['poison']);
    expect(await cursor.deadLetters('jobs')).toEqual([]);
  });

  test('urgent messages come first, in their order', async () => {
    await cursor.createStream('alarms');
    const publisher = publisherOf('alarms');
    await publisher.sendMessages(['low 1', 'low 2'], { priority: 'low' });
    await publisher.sendMessages(['normal 1', 'normal 2']);
    await publisher.sendMessages(['critical 1', 'critical 2'], { priority: 'critical' });
    expect(await takeBodies(connection, 'alarms', 1)).toEqual(['critical 1']);
    await broker.restart();
    await publisher.sendMessage('high 1', { priority: 'high' });
    expect(await takeBodies(connection, 'alarms', 6)).toEqual([
      'critical 2',
      'high 1',
      'normal 1',
      'normal 2',
      'low 1',
      'low 2',
    ]);
  });

  test('a delayed message comes when it is due, and an expired one never', async () => {
    await cursor.createStream('later');
    const publisher = publisherOf('later');
    const dueAt = Date.now() + 600;
    await publisher.sendMessage('second', { deliverAt: dueAt });
    await publisher.sendMessage('first', { delayMs: 300 });
    await publisher.sendMessage('too late', { ttlMs: 1 });
    const [cancelled] = (await publisher.sendMessage('never', { delayMs: 400 })).streams;
    expect(await cursor.cancelDelayed('later', [cancelled!.delayedId!])).toBe(1);
    expect(await cursor.streamInfo('later')).toMatchObject({ delayed: 2 });
    await broker.restart();
    const messages = await take(connection, 'later', 2);
    expect(messages.map(({ body }) => body)).toEqual(['first', 'second']);
    expect(Date.now()).toBeGreaterThanOrEqual(dueAt);
    expect(await cursor.groupInfo('later', 'workers')).toMatchObject({ expired: 1, lag: 0, pending: 0 });
  });

  test('a schedule goes on, and makes up for what it missed with one message', async () => {
    await cursor.createStream('ticks');
    await cursor.saveSchedule('clock', {
      stream: 'ticks',
      cron: '* * * * * *',
      body: 'tick',
      headers: { of: 'clock' },
    });
    await take(connection, 'ticks', 1);
    await broker.restart();
    const [message] = await take(connection, 'ticks', 1);
    expect(message).toMatchObject({ body: 'tick', headers: { of: 'clock' } });
    await cursor.pauseSchedule('clock');
    await broker.restart();
    expect(await cursor.listSchedules()).toMatchObject([{ name: 'clock', paused: true }]);
    await cursor.deleteSchedule('clock');
    expect(await cursor.listSchedules()).toEqual([]);
  });

  test('a message id is known, whoever sends it again', async () => {
    await cursor.createStream('payments');
    const receipt = await publisherOf('payments').sendMessage('10 EUR', { messageId: 'invoice 1' });
    expect(receipt.streams).toEqual([{ stream: 'payments', sequence: 1 }]);
    await broker.restart();
    await using other = new Connection({ port: broker.port });
    const again = await new Publisher<string>(other, new Bind('payments')).sendMessage('10 EUR', {
      messageId: 'invoice 1',
    });
    expect(again.streams).toEqual([{ stream: 'payments', sequence: 1, duplicate: true }]);
    expect(await cursor.streamInfo('payments')).toMatchObject({ messages: 1 });
  });

  test('messages of a key stay in order, redeliveries included, while other keys flow on', async () => {
    await cursor.createStream('accounts');
    await cursor.createGroup('accounts', 'workers', { ordering: 'key', retry: { delayMs: 20 } });
    const publisher = publisherOf('accounts');
    await Promise.all(
      Array.from({ length: 40 }, (_, n) => publisher.sendMessage(`${n}`, { key: `key ${n % 4}` })),
    );
    const seen = new Map<string, number[]>();
    let handled = 0;
    const halves = [20, 40].map((until, half) => async () => {
      const done = new AbortController();
      await new Follower<string>(connection, new Bind('accounts')).run(
        async (message) => {
          if (message.attempt === 1 && Number(message.body) % 7 === 0) throw new Error('again');
          await message.ack();
          const key = message.key!;
          seen.set(key, [...(seen.get(key) ?? []), Number(message.body)]);
          if (++handled === until) done.abort();
        },
        { concurrency: half === 0 ? 1 : 8, signal: done.signal },
      );
    });
    await halves[0]!();
    await broker.restart();
    await halves[1]!();
    expect(seen.size).toBe(4);
    for (const numbers of seen.values()) expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
  });

  test('the next follower of an exclusive group takes over when the first goes', async () => {
    await cursor.createStream('leader');
    await publisherOf('leader').sendMessages(['1', '2', '3']);
    const options = { exclusive: true, prefetch: 1 };
    const first = new Follower<string>(connection, new Bind('leader'), options).getMessages();
    const one = await first.next();
    await broker.restart();
    await using other = new Connection({ port: broker.port });
    // Back after the kill, and first again.
    const again = await first.next();
    expect([one.value!.body, again.value!.body]).toEqual(['1', '1']);
    const second = new Follower<string>(other, new Bind('leader'), options).getMessages();
    const waiting = second.next();
    await again.value!.ack();
    expect((await first.next()).value!.body).toBe('2');
    await first.return!();
    expect((await waiting).value!.body).toBe('2');
    await second.return!();
  });

  test('a transaction is there as a whole, and one that came too late not at all', async () => {
    await cursor.createStream('in');
    await cursor.createStream('out');
    await publisherOf('in').sendMessages(['a', 'b']);
    const follower = new Follower<string>(connection, new Bind('in'), { prefetch: 1 });
    const stale: string[] = [];
    let killed = false;
    for await (const message of follower.getMessages()) {
      if (message.body === 'b' && !killed) {
        killed = true;
        await broker.restart();
      }
      try {
        await connection.transaction((tx) => {
          tx.publish(new Bind('out'), `${message.body}!`);
          tx.ack(message);
        });
      } catch (error) {
        stale.push((error as SimpleMQError).code);
        continue;
      }
      if (message.body === 'b') break;
    }
    expect(stale).toEqual(['StaleAck']);
    await broker.restart();
    expect((await cursor.read('out')).map(({ body }) => body)).toEqual(['a!', 'b!']);
    expect(await cursor.streamInfo('in')).toMatchObject({ messages: 0 });
  });
});
