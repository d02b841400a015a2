import { once } from 'node:events';
import { readRecord, StreamFull, StreamNotFound } from '@simplemq/protocol';
import { describe, expect, it } from 'vitest';
import { Bind, Connection, json, Publisher, Requester, respond } from '../../src/index.ts';
import { FakeBroker } from '../fake-broker.ts';
import { attributesOf } from '../stored-message.ts';

const FEATURES = ['transactions', 'ttl', 'groups', 'startFrom', 'exclusive'];

async function setUp() {
  const broker = await FakeBroker.start({ features: FEATURES });
  broker.streams.set('sums', []);
  const connection = new Connection({ port: broker.port, reconnect: { minDelayMs: 1, maxDelayMs: 5 } });
  return {
    broker,
    connection,
    bind: new Bind('sums'),
    replyStreams: () => [...broker.streams.keys()].filter((name) => name.startsWith('reply.')),
    async [Symbol.asyncDispose]() {
      await connection.close();
      await broker.close();
    },
  };
}

const addOne = (message: { readonly body: number }) => message.body + 1;

describe('a requester', () => {
  it('gets for each request the reply to it, and leaves nothing behind', async () => {
    await using test = await setUp();
    await using responder = respond<number, number>(test.connection, test.bind, addOne, { concurrency: 3 });
    const requester = new Requester<number, number>(test.connection, test.bind);
    const numbers = Array.from({ length: 50 }, (_, i) => i);
    const replies = await Promise.all(numbers.map((n) => requester.request(n)));
    expect(replies).toEqual(numbers.map((n) => n + 1));
    expect(test.replyStreams()).toHaveLength(1);
    await requester.close();
    expect(test.replyStreams()).toEqual([]);
    await responder.close();
    expect(test.broker.leftOf('sums')).toBe(0);
    expect(test.broker.followers.size).toBe(0);
    await expect(requester.request(1)).rejects.toMatchObject({ code: 'ConnectionLost' });
  });

  it('sends what a responder needs to know, and keeps the headers and the key that it was given', async () => {
    await using test = await setUp();
    const requester = new Requester(test.connection, test.bind);
    const reply = requester.request(1, { timeoutMs: 5_000, headers: { trace: 't' }, key: 'k' });
    await test.broker.until(() => test.broker.leftOf('sums') === 1);
    const { headers, ttlMs, key } = attributesOf(test.broker.streams.get('sums')![0]!);
    expect({ ttlMs, key }).toEqual({ ttlMs: 5_000, key: 'k' });
    expect(headers).toEqual({
      trace: 't',
      'reply-to': test.replyStreams()[0],
      'correlation-id': expect.any(String),
    });
    await new Publisher(test.connection, new Bind(headers!['reply-to']!)).sendMessage('by hand', {
      headers: { 'correlation-id': headers!['correlation-id']! },
    });
    expect(await reply).toBe('by hand');
  });

  it('gets the error of the responder as RequestFailed, and the request is not tried again', async () => {
    await using test = await setUp();
    const errors: unknown[] = [];
    const handler = () => {
      throw new TypeError('cannot add that');
    };
    await using _responder = respond(test.connection, test.bind, handler, {
      onError: (error) => errors.push(error),
    });
    await using requester = new Requester(test.connection, test.bind);
    await expect(requester.request('x')).rejects.toMatchObject({
      name: 'RequestFailed',
      code: 'RequestFailed',
      message: 'cannot add that',
    });
    expect(errors).toEqual([new TypeError('cannot add that')]);
    expect(test.broker.leftOf('sums')).toBe(0);
  });

  it('is told when nobody answers in time, and passes over a reply that comes later', async () => {
    await using test = await setUp();
    await using requester = new Requester<number, number>(test.connection, test.bind);
    const first = respond(test.connection, test.bind, addOne);
    expect(await requester.request(1)).toBe(2);
    await first.close();
    await expect(requester.request(2, { timeoutMs: 20 })).rejects.toMatchObject({
      code: 'RequestTimeout',
      details: { limit: 'timeoutMs', value: 20 },
    });
    await using _second = respond(test.connection, test.bind, addOne);
    expect(await requester.request(3)).toBe(4);
    const [replies] = test.replyStreams();
    await test.broker.until(() => test.broker.leftOf(replies!) === 0);
    expect(test.broker.streams.get(replies!)).toHaveLength(3);
  });

  it('gives a request up by a signal', async () => {
    await using test = await setUp();
    await using requester = new Requester(test.connection, test.bind);
    const abort = new AbortController();
    const reply = requester.request(1, { signal: abort.signal });
    abort.abort(new Error('no need'));
    await expect(reply).rejects.toThrow('no need');
    await expect(requester.request(1, { signal: abort.signal })).rejects.toThrow('no need');
  });

  it('shares a reply stream with others, in a group of its own that begins with what comes', async () => {
    await using test = await setUp();
    test.broker.streams.set('replies', []);
    await using _responder = respond(test.connection, test.bind, addOne);
    const requester = new Requester<number, number>(test.connection, test.bind, { replyStream: 'replies' });
    expect(await requester.request(1)).toBe(2);
    const [group] = test.broker.management.groups.values();
    expect(group).toMatchObject({ stream: 'replies', options: { exclusive: true, expireAfterMs: 60_000 } });
    await new Publisher(test.connection, new Bind('replies')).sendMessage(1, {
      headers: { 'correlation-id': 'of another' },
    });
    expect(await requester.request(2)).toBe(3);
    await requester.close();
    expect(test.broker.management.groups.size).toBe(0);
    expect(test.broker.streams.has('replies')).toBe(true);
  });

  it('rejects when there is nobody to ask: no stream, or none that a pattern matches', async () => {
    await using test = await setUp();
    await using lost = new Requester(test.connection, new Bind('missing'));
    await expect(lost.request(1)).rejects.toMatchObject({ code: 'StreamNotFound' });
    await using nobody = new Requester(test.connection, new Bind(/^nobody/));
    await expect(nobody.request(1)).rejects.toMatchObject({ code: 'NoMatchingStream' });
  });

  it('goes on over a reconnect', async () => {
    await using test = await setUp();
    await using requester = new Requester<number, number>(test.connection, test.bind);
    const reply = requester.request(1);
    await test.broker.until(() => test.broker.leftOf('sums') === 1);
    test.broker.drop();
    await using _responder = respond(test.connection, test.bind, addOne);
    expect(await reply).toBe(2);
  });

  it('makes another reply stream when the broker has lost it, as it does in a restart', async () => {
    await using test = await setUp();
    await using requester = new Requester<number, number>(test.connection, test.bind);
    const reply = requester.request(1);
    await test.broker.until(() => test.broker.leftOf('sums') === 1);
    for (const name of test.replyStreams()) test.broker.streams.delete(name);
    test.broker.endFollowers(new StreamNotFound('the stream is gone'));
    await test.broker.until(() => test.broker.followers.size === 1);
    await using _responder = respond(test.connection, test.bind, addOne);
    expect(await reply).toBe(2);
  });

  it('waits for replies when it is closed, but not when its connection is', async () => {
    await using test = await setUp();
    const requester = new Requester<number, number>(test.connection, test.bind);
    const reply = requester.request(1);
    await test.broker.until(() => test.broker.leftOf('sums') === 1);
    const closed = requester.close();
    const responder = respond(test.connection, test.bind, addOne);
    await closed;
    expect(await reply).toBe(2);
    await responder.close();
    const other = new Requester<number, number>(test.connection, test.bind);
    const never = other.request(1);
    await test.broker.until(() => test.broker.leftOf('sums') === 1);
    const refused = expect(never).rejects.toMatchObject({ code: 'ConnectionLost' });
    await test.connection.close();
    await refused;
    expect(test.replyStreams()).toEqual([]);
  });
});

describe('a responder', () => {
  it('publishes the reply and acks the request in one transaction', async () => {
    await using test = await setUp();
    await using _responder = respond(test.connection, test.bind, addOne, { codec: json });
    await using requester = new Requester<number, number>(test.connection, test.bind, { codec: json });
    expect(await requester.request(1)).toBe(2);
    expect(test.broker.transactions).toHaveLength(1);
    expect(test.broker.transactions[0]).toMatchObject({ acks: [{}], publishes: [{}] });
    const body = readRecord(test.broker.transactions[0]!.publishes[0]!.batch.records, 0).body;
    expect(body.toString()).toBe('2');
  });

  it('acks a request whose requester is gone, or that names none that can be', async () => {
    await using test = await setUp();
    const publisher = new Publisher(test.connection, test.bind);
    await publisher.sendMessage(1, { headers: { 'reply-to': 'reply.gone' } });
    await publisher.sendMessage(2, { headers: { 'reply-to': 'a/../b' } });
    await using _responder = respond(test.connection, test.bind, addOne);
    await test.broker.until(() => test.broker.leftOf('sums') === 0);
  });

  it('handles a message that asks for no reply as a worker does', async () => {
    await using test = await setUp();
    await new Publisher(test.connection, test.bind).sendMessage(1);
    const attempts: number[] = [];
    await using _responder = respond<number>(test.connection, test.bind, (message) => {
      attempts.push(message.attempt);
      if (message.attempt === 1) throw new Error('once');
    });
    await test.broker.until(() => test.broker.leftOf('sums') === 0);
    expect(attempts).toEqual([1, 2]);
    expect(test.broker.transactions).toHaveLength(0);
  });

  it('tells the requester when the reply is one that cannot be sent', async () => {
    await using test = await setUp();
    await using _responder = respond(test.connection, test.bind, () => ({ f: () => 1 }), {
      codec: {
        encode: () => {
          throw new RangeError('not a body');
        },
        decode: () => 1,
      },
    });
    await using requester = new Requester(test.connection, test.bind);
    await expect(requester.request(1)).rejects.toMatchObject({
      code: 'RequestFailed',
      message: 'not a body',
    });
  });

  it('handles a request again when its reply could not be stored', async () => {
    await using test = await setUp();
    let full = true;
    test.broker.intercept = ({ opcode }) => {
      if (opcode !== 0x21 || !full) return false;
      full = false;
      throw new StreamFull('no room');
    };
    const attempts: number[] = [];
    await using _responder = respond<number, number>(test.connection, test.bind, (message) => {
      attempts.push(message.attempt);
      return message.body + 1;
    });
    await using requester = new Requester<number, number>(test.connection, test.bind);
    expect(await requester.request(1)).toBe(2);
    expect(attempts).toEqual([1, 2]);
  });

  it('sends no reply to what its handler settled itself', async () => {
    await using test = await setUp();
    await using _responder = respond<number>(test.connection, test.bind, async (message) => {
      await message.ack();
    });
    await using requester = new Requester(test.connection, test.bind);
    await expect(requester.request(1, { timeoutMs: 50 })).rejects.toMatchObject({ code: 'RequestTimeout' });
    expect(test.broker.transactions).toHaveLength(0);
  });

  it('ends by its signal, and says when it cannot follow', async () => {
    await using test = await setUp();
    const abort = new AbortController();
    const responder = respond(test.connection, test.bind, addOne, { signal: abort.signal });
    await test.broker.until(() => test.broker.followers.size === 1);
    abort.abort();
    await responder.ended;
    expect(test.broker.followers.size).toBe(0);
    const lost = respond(test.connection, new Bind('missing'), addOne);
    await expect(lost.ended).rejects.toMatchObject({ code: 'StreamNotFound' });
  });

  it('resumes over a reconnect', async () => {
    await using test = await setUp();
    await using _responder = respond(test.connection, test.bind, addOne);
    await using requester = new Requester<number, number>(test.connection, test.bind);
    expect(await requester.request(1)).toBe(2);
    const connected = once(test.connection, 'connected');
    test.broker.drop();
    await connected;
    expect(await requester.request(2)).toBe(3);
  });
});
