import { once } from 'node:events';
import { inspect, isDeepStrictEqual } from 'node:util';
import {
  decodeExtend,
  decodeFollow,
  decodeNack,
  decodeReject,
  encodeError,
  encodeSettled,
  Forbidden,
  type Frame,
  Opcode,
  ServerClosing,
  StorageFailed,
  StorageFull,
  StreamConflict,
  StreamNotFound,
} from '@simplemq/protocol';
import { describe, expect, it } from 'vitest';
import {
  Bind,
  Connection,
  Follower,
  type FollowerOptions,
  json,
  type Message,
  Publisher,
  type StaleAcks,
} from '../../src/index.ts';
import { FakeBroker, type FakeBrokerOptions, type FakePeer } from '../fake-broker.ts';

async function setUp(count: number, options: FollowerOptions = {}, brokerOptions: FakeBrokerOptions = {}) {
  const broker = await FakeBroker.start(brokerOptions);
  broker.streams.set('q', []);
  const connection = new Connection({ port: broker.port, reconnect: { minDelayMs: 1, maxDelayMs: 5 } });
  const publisher = new Publisher<number>(connection, new Bind('q'));
  if (count > 0) await publisher.sendMessages(Array.from({ length: count }, (_, i) => i + 1));
  return {
    broker,
    connection,
    publisher,
    follower: new Follower<number>(connection, new Bind('q'), options),
    async [Symbol.asyncDispose]() {
      await connection.close();
      await broker.close();
    },
  };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Lets what is on the wire arrive, both ways. */
async function settle(connection: Connection): Promise<void> {
  await connection.cursor().createStream('settle');
}

async function taken<T>(iterator: AsyncIterator<Message<T>, undefined>): Promise<Message<T>> {
  const { value } = await iterator.next();
  expect(value).toBeDefined();
  return value!;
}

async function acked(iterator: AsyncIterator<Message<number>, undefined>): Promise<number> {
  const message = await taken(iterator);
  await message.ack();
  return message.body;
}

describe('getMessages', () => {
  it('gives every message once, in order, and acks are durable when awaited', async () => {
    await using test = await setUp(5_000);
    const seen: number[] = [];
    for await (const message of test.follower.getMessages()) {
      seen.push(message.body);
      if (message.body < 5_000) void message.ack();
      else {
        await message.ack();
        break;
      }
    }
    expect(seen).toEqual(Array.from({ length: 5_000 }, (_, i) => i + 1));
    expect(test.broker.leftOf('q')).toBe(0);
  });

  it('shows what a message is', async () => {
    await using test = await setUp(0);
    const before = Date.now();
    await test.publisher.sendMessage(1, { headers: { a: 'own' }, key: 'k' });
    await test.publisher.sendMessages([2], { headers: { b: 'shared' } });
    const messages = test.follower.getMessages();
    const first = await taken(messages);
    expect(first).toMatchObject({ stream: 'q', sequence: 1, body: 1, attempt: 1, redelivered: false });
    expect(first).toMatchObject({ headers: { a: 'own' }, key: 'k', priority: 'normal' });
    expect(first.timestamp.getTime()).toBeGreaterThanOrEqual(before);
    expect(inspect(first)).toBe("Message { stream: 'q', sequence: 1, attempt: 1, body: 1 }");
    const second = await taken(messages);
    expect(second.headers).toEqual({ b: 'shared' });
    await messages.return!();
  });

  it('holds one message and has credit for no other while the first is handled', async () => {
    await using test = await setUp(10);
    const messages = test.follower.getMessages();
    await messages.next();
    await settle(test.connection);
    expect(test.broker.pendingOf('q')).toBe(1);
    expect(test.broker.frames.filter(({ opcode }) => opcode === Opcode.Follow)).toHaveLength(1);
    const follow = test.broker.frames.find(({ opcode }) => opcode === Opcode.Follow)!;
    expect(decodeFollow(follow.payload)).toMatchObject({ upTo: 1 });
    expect(test.broker.count(Opcode.Credit)).toBe(0);
  });

  it('hands back what is buffered when the handler turns slow, and takes one at a time from then on', async () => {
    await using test = await setUp(2_000);
    const messages = test.follower.getMessages();
    for (let i = 0; i < 100; i++) await (await taken(messages)).ack();
    const slow = await taken(messages);
    await test.broker.until(() => test.broker.pendingOf('q') === 1);
    expect(slow.signal.aborted).toBe(false);
    await settle(test.connection);
    expect(test.broker.count(Opcode.Release)).toBeGreaterThan(0);
    // It has no credit left for another.
    expect(test.broker.pendingOf('q')).toBe(1);
    await slow.ack();
    expect(await taken(messages)).toMatchObject({ attempt: 1 });
  });

  it('handles messages in their order when some were under way as the handler turned slow', async () => {
    await using test = await setUp(200);
    const { broker, publisher } = test;
    const messages = test.follower.getMessages();
    const seen: number[] = [];
    for (let i = 0; i < 150; i++) {
      const message = await taken(messages);
      // Not awaited: it is quick also on a busy machine, and so has credit for more than there is.
      void message.ack();
      seen.push(message.body);
    }
    const slow = await taken(messages);
    const unread: { frame: Frame; peer: FakePeer }[] = [];
    broker.intercept = (frame, peer) => {
      if (frame.opcode !== Opcode.Credit && frame.opcode !== Opcode.Release) return false;
      unread.push({ frame, peer });
      return true;
    };
    await broker.until(() => unread.some(({ frame }) => frame.opcode === Opcode.Release));
    await slow.ack();
    seen.push(slow.body);
    const next = acked(messages);
    const before = broker.pendingOf('q');
    await publisher.sendMessages([201, 202, 203]);
    expect(broker.pendingOf('q')).toBe(before + 3);
    broker.intercept = undefined;
    for (const { frame, peer } of unread) broker.frame(frame, peer);
    seen.push(await next);
    while (seen.length < 203) seen.push(await acked(messages));
    expect(seen).toEqual(Array.from({ length: 203 }, (_, i) => i + 1));
    await messages.return!();
  });

  it('keeps to a number as prefetch and hands nothing back', async () => {
    await using test = await setUp(100, { prefetch: 10 });
    const messages = test.follower.getMessages();
    await messages.next();
    await new Promise((resolve) => setTimeout(resolve, 120));
    expect(test.broker.pendingOf('q')).toBe(10);
    expect(test.broker.count(Opcode.Release)).toBe(0);
  });

  it('gives back what was not handled when the loop is left, at once', async () => {
    await using test = await setUp(50, { prefetch: 20 });
    for await (const message of test.follower.getMessages()) {
      if (message.body === 3) break;
      void message.ack();
    }
    expect(test.broker.pendingOf('q')).toBe(0);
    expect(test.broker.followers.size).toBe(0);
    expect(
      test.broker.streams
        .get('q')!
        .slice(0, 5)
        .map(({ done, attempt }) => [done, attempt]),
    ).toEqual([
      [true, 1],
      [true, 1],
      [false, 2],
      [false, 1],
      [false, 1],
    ]);
  });

  it('ends after the message in hand when its signal is aborted, and its ack still counts', async () => {
    await using test = await setUp(5);
    const abort = new AbortController();
    let handled = 0;
    for await (const message of test.follower.getMessages({ signal: abort.signal })) {
      handled++;
      const { signal } = message;
      abort.abort();
      expect(signal.aborted).toBe(true);
      await message.ack();
    }
    expect(handled).toBe(1);
    expect(test.broker.leftOf('q')).toBe(4);
    expect(test.broker.followers.size).toBe(0);
  });

  it('ends at once when its signal is aborted while it waits, or was before', async () => {
    await using test = await setUp(0);
    const abort = new AbortController();
    const next = test.follower.getMessages({ signal: abort.signal }).next();
    await test.broker.until(() => test.broker.followers.size === 1);
    abort.abort();
    expect(await next).toEqual({ value: undefined, done: true });
    expect(await test.follower.getMessages({ signal: abort.signal }).next()).toEqual({
      value: undefined,
      done: true,
    });
    expect(test.broker.followers.size).toBe(0);
  });

  it('answers several next() calls in order', async () => {
    await using test = await setUp(3);
    const messages = test.follower.getMessages();
    const results = await Promise.all([messages.next(), messages.next(), messages.next()]);
    expect(results.map(({ value }) => value?.body)).toEqual([1, 2, 3]);
  });

  it('throws what FOLLOW is refused with, once', async () => {
    await using test = await setUp(0);
    const messages = new Follower(test.connection, new Bind('missing')).getMessages();
    await expect(messages.next()).rejects.toMatchObject({ code: 'StreamNotFound' });
    expect(await messages.next()).toEqual({ value: undefined, done: true });
  });

  it('throws when the broker ends the follower, and drops what was buffered', async () => {
    await using test = await setUp(20, { prefetch: 10 });
    const messages = test.follower.getMessages();
    const message = await taken(messages);
    const { signal } = message;
    test.broker.endFollowers(new StreamNotFound('the stream was deleted'));
    await settle(test.connection);
    expect(signal.aborted).toBe(true);
    await expect(messages.next()).rejects.toMatchObject({ code: 'StreamNotFound' });
    await expect(message.ack()).rejects.toMatchObject({ code: 'StaleAck' });
  });

  it('goes on over a reconnect, with what was not acked delivered again', async () => {
    await using test = await setUp(1_000);
    const acked = new Set<number>();
    let drops = 0;
    for await (const message of test.follower.getMessages()) {
      if (message.body % 200 === 100 && drops++ < 5) {
        const { signal } = message;
        const lost = once(signal, 'abort');
        test.broker.drop();
        await lost;
        await expect(message.ack()).rejects.toMatchObject({ code: 'StaleAck' });
        continue;
      }
      await message.ack().then(
        () => acked.add(message.body),
        () => undefined,
      );
      if (acked.size === 1_000) break;
    }
    expect(drops).toBeGreaterThanOrEqual(5);
    expect(test.broker.leftOf('q')).toBe(0);
    expect(test.broker.pendingOf('q')).toBe(0);
  });

  it('waits for a broker whose disk has failed to come back', async () => {
    await using test = await setUp(1);
    let refused = 0;
    test.broker.intercept = ({ opcode }, peer) => {
      if (opcode !== Opcode.Follow || refused++ > 0) return false;
      // As a broker does that ends: what is asked until then is refused.
      setImmediate(() => peer.socket.end());
      throw new StorageFailed('the journal cannot be synced');
    };
    const message = await taken(test.follower.getMessages());
    expect(message.body).toBe(1);
    expect(refused).toBeGreaterThan(1);
  });

  it('with autoAck acks durably before it shows a message, and an ack of it does nothing', async () => {
    await using test = await setUp(10);
    let handled = 0;
    for await (const message of test.follower.getMessages({ autoAck: true })) {
      expect(test.broker.streams.get('q')![message.sequence - 1]!.done).toBe(true);
      await message.ack();
      await expect(message.nack()).rejects.toMatchObject({ code: 'StaleAck' });
      if (++handled === 10) break;
    }
    expect(test.broker.count(Opcode.Nack)).toBe(0);
  });

  it('with autoAck shows over a reconnect what was acked before it, once, and counts it as held', async () => {
    await using test = await setUp(100, { prefetch: 100 });
    const { broker, connection } = test;
    const messages = test.follower.getMessages({ autoAck: true });
    const seen = [(await taken(messages)).body];
    await settle(connection);
    expect(broker.leftOf('q')).toBe(0);
    broker.drop();
    await broker.until(() => broker.count(Opcode.Follow) === 2);
    const follows = broker.frames.filter(({ opcode }) => opcode === Opcode.Follow);
    const credits = follows.map(({ payload }) => decodeFollow(payload));
    expect(credits.map(({ upTo }) => upTo)).toEqual([100, 0]);
    expect(credits[1]!.bytesUpTo).toBeLessThan(credits[0]!.bytesUpTo);
    await test.publisher.sendMessages(Array.from({ length: 100 }, (_, i) => 101 + i));
    while (seen.length < 200) {
      const message = await taken(messages);
      expect(message.signal.aborted).toBe(false);
      seen.push(message.body);
    }
    expect(seen).toEqual(Array.from({ length: 200 }, (_, i) => i + 1));
    expect(broker.leftOf('q')).toBe(0);
  });

  it('with autoAck shows once what is delivered again because its ack was lost with the connection', async () => {
    await using test = await setUp(10, { prefetch: 5 });
    test.broker.intercept = ({ opcode }, peer) => {
      if (opcode !== Opcode.Ack || test.broker.connections > 1) return false;
      peer.socket.destroy();
      return true;
    };
    const messages = test.follower.getMessages({ autoAck: true });
    const seen: [number, number][] = [];
    while (seen.length < 10) {
      const { body, attempt } = await taken(messages);
      seen.push([body, attempt]);
    }
    expect(seen).toEqual(Array.from({ length: 10 }, (_, i) => [i + 1, i < 5 ? 2 : 1]));
  });

  it('with autoAck shows what a broker acks as it ends', async () => {
    await using test = await setUp(1);
    const [message] = test.broker.streams.get('q')!;
    test.broker.intercept = ({ opcode, requestId }, peer) => {
      if (opcode !== Opcode.Ack) return false;
      message!.done = true;
      test.broker.endFollowers(new ServerClosing('the broker stops'));
      peer.send(encodeSettled(Opcode.Acked, requestId, { stale: [] }));
      peer.socket.end();
      return true;
    };
    expect(await taken(test.follower.getMessages({ autoAck: true }))).toMatchObject({ body: 1, attempt: 1 });
  });

  it('with autoAck takes further messages when an ack of it came too late, or was refused', async () => {
    await using test = await setUp(2, { prefetch: 1 });
    const { broker, publisher } = test;
    const [first, second] = broker.streams.get('q')!;
    broker.intercept = ({ opcode }) => {
      if (opcode !== Opcode.Ack) return false;
      if (!first!.done) first!.done = true;
      else if (!second!.done) {
        second!.done = true;
        throw new Forbidden('not any more');
      }
      return false;
    };
    const next = taken(test.follower.getMessages({ autoAck: true }));
    await publisher.sendMessage(3);
    expect(await next).toMatchObject({ body: 3, attempt: 1 });
  });

  it('with autoAck shows messages whose ack had no room, once it is stored', async () => {
    await using test = await setUp(1);
    const [message] = test.broker.streams.get('q')!;
    test.broker.intercept = ({ opcode }) => {
      if (opcode !== Opcode.Ack || message!.done) return false;
      // As a broker does: it stores it when it can.
      message!.done = true;
      throw new StorageFull('no room');
    };
    expect((await taken(test.follower.getMessages({ autoAck: true }))).body).toBe(1);
    expect(test.broker.count(Opcode.Ack)).toBe(2);
  });

  it('ends when the connection is closed', async () => {
    await using test = await setUp(5, { prefetch: 5 });
    const messages = test.follower.getMessages();
    await messages.next();
    const waiting = new Follower(test.connection, new Bind('q')).getMessages().next();
    await test.connection.close();
    expect(await messages.next()).toEqual({ value: undefined, done: true });
    expect(await waiting).toEqual({ value: undefined, done: true });
  });

  it('decodes with the codec that it was given', async () => {
    await using test = await setUp(0);
    await new Publisher(test.connection, new Bind('q'), { codec: json }).sendMessage({ a: 1 });
    await test.publisher.sendMessage(1);
    const messages = new Follower<unknown>(test.connection, new Bind('q'), { codec: json }).getMessages();
    const good = await taken(messages);
    expect(good.body).toEqual({ a: 1 });
    const bytes = await taken(new Follower<Buffer>(test.connection, new Bind('q')).getMessages());
    expect(bytes.sequence).toBe(2);
  });

  it('refuses options that the broker lacks the feature for, and wrong ones', async () => {
    await using test = await setUp(0);
    for (const options of [
      { group: 'audit' },
      { startFrom: 'new' },
      { ordering: 'key' },
      { exclusive: true },
      { retry: { maxDeliveries: 3 } },
      { yieldEvery: 5 },
      { ratePerSecond: 5 },
      { expireAfterMs: 5 },
      { deadLetterExpired: true },
    ] as FollowerOptions[]) {
      const messages = new Follower(test.connection, new Bind('q'), options).getMessages();
      await expect(messages.next()).rejects.toMatchObject({ code: 'Unsupported' });
    }
    expect(test.broker.count(Opcode.Follow)).toBe(0);
    expect(() => new Follower(test.connection, new Bind('q'), { prefetch: 0 })).toThrow(
      expect.objectContaining({ code: 'InvalidOption' }),
    );
    const nowhere = { startFrom: 'last' } as unknown as FollowerOptions;
    expect(() => new Follower(test.connection, new Bind('q'), nowhere)).toThrow(
      expect.objectContaining({ code: 'InvalidOption', details: { option: 'startFrom' } }),
    );
  });

  it('tells the broker what its group is to be like, and nothing that was not asked for', async () => {
    const features = ['groups', 'startFrom', 'ordering', 'exclusive', 'priority', 'deadLetters'];
    await using test = await setUp(0, {}, { features });
    const time = new Date(1_800_000_000_000);
    const group = {
      retry: { maxDeliveries: 3, factor: 1.5 },
      ordering: 'key',
      exclusive: true,
      keyConcurrency: 2,
      ratePerSecond: 100,
      yieldEvery: 7,
      deadLetterExpired: true,
      expireAfterMs: 60_000,
    } as const;
    const all = { group: 'audit', startFrom: { time }, prefetch: 1, leaseMs: 5_000, ...group } as const;
    const messages = new Follower(test.connection, new Bind('q'), all).getMessages();
    void messages.next();
    void test.follower.getMessages().next();
    await test.broker.until(() => test.broker.followers.size === 2);
    const [asked, plain] = test.broker.frames
      .filter(({ opcode }) => opcode === Opcode.Follow)
      .map(({ payload }) => decodeFollow(payload));
    expect(asked).toMatchObject({ group: 'audit', startFrom: { time: 1_800_000_000_000 }, options: group });
    expect(Object.keys(plain!).sort()).toEqual(['bind', 'bytesUpTo', 'upTo']);
  });

  it('resumes a group whose options were changed meanwhile as it is now', async () => {
    await using test = await setUp(0, { ratePerSecond: 5 }, { features: ['groups'] });
    const messages = test.follower.getMessages();
    const next = messages.next();
    await test.broker.until(() => test.broker.followers.size === 1);
    test.broker.intercept = ({ opcode, payload, requestId }, peer) => {
      if (opcode !== Opcode.Follow || decodeFollow(payload).options === undefined) return false;
      peer.send(encodeError(requestId, new StreamConflict('the group has another ratePerSecond')));
      return true;
    };
    test.broker.drop();
    await test.publisher.sendMessage(1);
    expect((await next).value).toMatchObject({ body: 1 });
    const fresh = new Follower(test.connection, new Bind('q'), { ratePerSecond: 5 }).getMessages();
    await expect(fresh.next()).rejects.toMatchObject({ code: 'StreamConflict' });
  });
});

describe('settlements', () => {
  it('of one turn travel as one frame', async () => {
    await using test = await setUp(100, { prefetch: 100 });
    const messages = test.follower.getMessages();
    const acks: Promise<void>[] = [];
    for (let i = 0; i < 100; i++) acks.push((await taken(messages)).ack());
    await Promise.all(acks);
    expect(test.broker.count(Opcode.Ack)).toBeLessThanOrEqual(2);
    expect(test.broker.leftOf('q')).toBe(0);
  });

  it('of one turn travel as several frames where one would be too large', async () => {
    const count = 5_000;
    await using test = await setUp(2 * count, { prefetch: 2 * count });
    const messages = test.follower.getMessages();
    const nacks: Promise<void>[] = [];
    for (let i = 0; i < count; i++) {
      await taken(messages);
      nacks.push((await taken(messages)).nack({ delayMs: 1_000 }));
    }
    await messages.return!();
    await Promise.all(nacks);
    const frames = test.broker.frames.filter(({ opcode }) => opcode === Opcode.Nack);
    const ranges = frames.map(({ payload }) => decodeNack(payload).entries[0]!.ranges.length);
    expect(Math.max(...ranges)).toBeLessThanOrEqual(2_048);
  });

  it('behave as promises when they are awaited', async () => {
    await using test = await setUp(2);
    const messages = test.follower.getMessages();
    const ack = (await taken(messages)).ack();
    expect(Object.prototype.toString.call(ack)).toBe('[object Promise]');
    let finished = false;
    await ack.finally(() => {
      finished = true;
    });
    expect(finished).toBe(true);
    expect(await ack).toBeUndefined();
    const second = await taken(messages);
    await test.follower.ackMessage(second);
    expect(await second.ack().catch((error) => error.code)).toBe('StaleAck');
  });

  it('that came too late reject with StaleAck when awaited, then or later', async () => {
    await using test = await setUp(3, { prefetch: 3 });
    const messages = test.follower.getMessages();
    const [first, second, third] = [await taken(messages), await taken(messages), await taken(messages)];
    test.broker.streams.get('q')![1]!.attempt++;
    const settlements = [first.ack(), second.ack(), third.ack()];
    await expect(settlements[0]).resolves.toBeUndefined();
    await expect(settlements[2]).resolves.toBeUndefined();
    await expect(settlements[1]).rejects.toMatchObject({ code: 'StaleAck', details: { sequence: 2 } });
  });

  it('that nobody awaits and that fail are told by an event, and are no unhandled rejections', async () => {
    await using test = await setUp(3, { prefetch: 3 });
    const messages = test.follower.getMessages();
    const [first, second, third] = [await taken(messages), await taken(messages), await taken(messages)];
    for (const message of test.broker.streams.get('q')!) message.attempt++;
    const told = once(test.connection, 'staleAck') as Promise<[StaleAcks]>;
    void first.ack();
    const awaited = second.ack().catch((error) => error.code);
    void third.ack();
    const [{ ranges, error }] = await told;
    expect(await awaited).toBe('StaleAck');
    expect(error.code).toBe('StaleAck');
    expect(ranges.flatMap((entry) => entry.ranges.map((range) => range.first))).toEqual([1, 3]);
    const again = once(test.connection, 'staleAck') as Promise<[StaleAcks]>;
    void third.nack();
    expect((await again)[0].ranges).toEqual([{ stream: 'q', ranges: [{ first: 3, last: 3, attempt: 1 }] }]);
  });

  it('without an answer reject with ConnectionLost', async () => {
    await using test = await setUp(1);
    test.broker.intercept = ({ opcode }, peer) => {
      if (opcode !== Opcode.Ack) return false;
      peer.socket.destroy();
      return true;
    };
    const message = await taken(test.follower.getMessages());
    await expect(message.ack()).rejects.toMatchObject({ code: 'ConnectionLost' });
  });

  it('nack gives a message back, one attempt further, with delay and reason', async () => {
    await using test = await setUp(1);
    const messages = test.follower.getMessages();
    await test.follower.nackMessage(await taken(messages), { delayMs: 7, reason: 'not now' });
    const nack = test.broker.frames.find(({ opcode }) => opcode === Opcode.Nack)!;
    expect(decodeNack(nack.payload)).toMatchObject({ delayMs: 7, reason: 'not now' });
    expect(await taken(messages)).toMatchObject({ sequence: 1, attempt: 2, redelivered: true });
  });

  it('nack without a delay leaves it to the group', async () => {
    await using test = await setUp(1);
    await (await taken(test.follower.getMessages())).nack();
    const nack = test.broker.frames.find(({ opcode }) => opcode === Opcode.Nack)!;
    expect(decodeNack(nack.payload).delayMs).toBeUndefined();
  });

  it('nack sends what is given as delay and reason as the protocol has it', async () => {
    await using test = await setUp(1);
    const messages = test.follower.getMessages();
    const given = [22.5, Number.NaN, -5, Number.POSITIVE_INFINITY];
    for (const delayMs of given) await (await taken(messages)).nack({ delayMs });
    const reason = new Error('no text') as unknown as string;
    await (await taken(messages)).nack({ reason });
    const nacks = test.broker.frames
      .filter(({ opcode }) => opcode === Opcode.Nack)
      .map(({ payload }) => decodeNack(payload));
    expect(nacks.map(({ delayMs }) => delayMs)).toEqual([23, 0, 0, 31_536_000_000, undefined]);
    expect(nacks.at(-1)!.reason).toBe('Error: no text');
  });

  it('reject puts messages into the dead letters, those of one reason in one frame', async () => {
    await using test = await setUp(4, { prefetch: 4 }, { features: ['deadLetters'] });
    const messages = test.follower.getMessages();
    const settled: Promise<void>[] = [];
    for (const reason of ['bad', 'bad', 'worse', undefined]) {
      settled.push((await taken(messages)).reject(reason));
    }
    await Promise.all(settled);
    const rejects = test.broker.frames
      .filter(({ opcode }) => opcode === Opcode.Reject)
      .map(({ payload }) => decodeReject(payload));
    expect(rejects.map(({ reason, entries }) => [reason, entries[0]!.ranges[0]])).toEqual([
      ['bad', { first: 1, last: 2, attempt: 1 }],
      ['worse', { first: 3, last: 3, attempt: 1 }],
      [undefined, { first: 4, last: 4, attempt: 1 }],
    ]);
    expect(test.broker.leftOf('q')).toBe(0);
    expect(test.broker.leftOf('$dead.q')).toBe(4);
  });

  it('reject refuses a message that is settled', async () => {
    await using test = await setUp(1, {}, { features: ['deadLetters'] });
    const message = await taken(test.follower.getMessages());
    await test.follower.rejectMessage(message, 'bad');
    await expect(message.reject()).rejects.toMatchObject({ code: 'StaleAck' });
    await expect(message.ack()).rejects.toMatchObject({
      code: 'StaleAck',
      message: expect.stringContaining('rejected before'),
    });
  });

  it('reject is Unsupported without dead letters, and the message can be settled otherwise', async () => {
    await using test = await setUp(1);
    const message = await taken(test.follower.getMessages());
    await expect(test.follower.rejectMessage(message, 'bad')).rejects.toMatchObject({ code: 'Unsupported' });
    await message.ack();
  });
});

describe('leases', () => {
  it('of the message in hand and of buffered ones are extended, and of nothing else', async () => {
    await using test = await setUp(5, { prefetch: 3 }, { leaseMs: 60 });
    const messages = test.follower.getMessages();
    await messages.next();
    await taken(messages);
    await test.broker.until(() => test.broker.count(Opcode.Extend) > 0);
    const { entries } = decodeExtend(
      test.broker.frames.find(({ opcode }) => opcode === Opcode.Extend)!.payload,
    );
    const sequences = entries.flatMap(({ ranges }) => ranges.map(({ first, last }) => [first, last]));
    expect(sequences.flat()).not.toContain(1);
    expect(sequences.flat()).toContain(2);
  });

  it('of tens of thousands of messages in hand are extended, in frames that a broker takes', async () => {
    const count = 45_000;
    await using test = await setUp(count, {}, { leaseMs: 900 });
    const stop = new AbortController();
    const end = Promise.withResolvers<void>();
    const running = test.follower.run(() => end.promise, { concurrency: count, signal: stop.signal });
    const all = [{ stream: 'q', ranges: [{ first: 1, last: count, attempt: 1 }] }];
    await test.broker.until(() => {
      const extend = test.broker.frames.findLast(({ opcode }) => opcode === Opcode.Extend);
      return extend !== undefined && isDeepStrictEqual(decodeExtend(extend.payload).entries, all);
    });
    stop.abort();
    end.resolve();
    await running;
    expect(test.broker.leftOf('q')).toBe(0);
  });

  it('that are lost abort the signal of the message', async () => {
    await using test = await setUp(1, {}, { leaseMs: 30 });
    const message = await taken(test.follower.getMessages());
    test.broker.streams.get('q')![0]!.attempt = 2;
    await once(message.signal, 'abort');
    expect(message.signal.reason).toMatchObject({ code: 'StaleAck' });
  });

  it('can be extended by hand', async () => {
    await using test = await setUp(1);
    const message = await taken(test.follower.getMessages());
    await message.extend();
    expect(test.broker.count(Opcode.Extend)).toBe(1);
    await message.ack();
    await expect(message.extend()).rejects.toMatchObject({ code: 'StaleAck' });
    await turn();
  });
});
