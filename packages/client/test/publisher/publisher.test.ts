import { once } from 'node:events';
import { Opcode, readRecord } from '@simplemq/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { msgpack } from '../../src/codec/msgpack.ts';
import { Bind, BindType, Connection, type ConnectionOptions, json, Publisher, raw } from '../../src/index.ts';
import { bodyWriter } from '../../src/publisher/body-writer.ts';
import { FakeBroker, type FakeBrokerOptions } from '../fake-broker.ts';
import { attributesOf, type StoredRecord } from '../stored-message.ts';

async function setUp(options: FakeBrokerOptions = {}, connecting: ConnectionOptions = {}) {
  const broker = await FakeBroker.start(options);
  broker.streams.set('q', []);
  const connection = new Connection({
    port: broker.port,
    reconnect: { minDelayMs: 1, maxDelayMs: 5 },
    ...connecting,
  });
  return {
    broker,
    connection,
    publisher: new Publisher(connection, new Bind('q')),
    async [Symbol.asyncDispose]() {
      await connection.close();
      await broker.close();
    },
  };
}

const bodyOf = ({ record }: StoredRecord) => msgpack.decode(readRecord(record, 0).body);

const bodiesOf = (broker: FakeBroker, stream = 'q') => broker.streams.get(stream)!.map(bodyOf);

describe('Publisher', () => {
  it('sends the messages of one turn as one batch, in order, with a receipt for each', async () => {
    await using test = await setUp();
    await test.connection.cursor().session();
    const receipts = await Promise.all(['a', 'b', 'c'].map((body) => test.publisher.sendMessage(body)));
    expect(receipts.map(({ streams }) => streams[0])).toEqual([
      { stream: 'q', sequence: 1 },
      { stream: 'q', sequence: 2 },
      { stream: 'q', sequence: 3 },
    ]);
    expect(test.broker.publishes).toHaveLength(1);
    expect(bodiesOf(test.broker)).toEqual(['a', 'b', 'c']);
  });

  it('copies a body at once, so that its buffer can be used again', async () => {
    await using test = await setUp();
    const body = Buffer.from('one');
    const sent = test.publisher.sendMessage(body);
    body.write('two');
    await sent;
    expect(test.broker.streams.get('q')![0]!.record.subarray(5).toString()).toBe('one');
  });

  it('reaches every stream of a regex bind, or none', async () => {
    await using test = await setUp();
    test.broker.streams.set('q2', []);
    const all = new Publisher(test.connection, new Bind(/^q/));
    expect((await all.sendMessage(1)).streams).toEqual([
      { stream: 'q', sequence: 1 },
      { stream: 'q2', sequence: 1 },
    ]);
    const none = new Publisher(test.connection, new Bind('nothing', BindType.Regex));
    expect((await none.sendMessage(1)).streams).toEqual([]);
    const must = new Publisher(test.connection, new Bind('nothing', BindType.Regex), { mustMatch: true });
    await expect(must.sendMessage(1)).rejects.toMatchObject({ code: 'NoMatchingStream' });
  });

  it('rejects with StreamNotFound where a direct bind names a missing stream', async () => {
    await using test = await setUp();
    await expect(new Publisher(test.connection, new Bind('missing')).sendMessage(1)).rejects.toMatchObject({
      code: 'StreamNotFound',
    });
  });

  it('sends one batch of shared options for sendMessages, and options of their own for others', async () => {
    await using test = await setUp();
    const first = test.publisher.sendMessage('alone', { headers: { a: '1' }, key: 'k' });
    const many = test.publisher.sendMessages(['x', 'y'], { headers: { b: '2' } });
    const last = test.publisher.sendMessage('last');
    const sequences = [await first, ...(await many), await last].map(({ streams }) => streams[0]!.sequence);
    expect(sequences).toEqual([1, 2, 3, 4]);
    expect(test.broker.publishes.map(({ batch }) => batch.count)).toEqual([1, 2, 1]);
  });

  it('sends messages of different options as one batch, once it is known that the broker has what they need', async () => {
    await using test = await setUp({ features: ['dedup', 'ttl'] });
    await test.connection.cursor().session();
    await Promise.all([
      test.publisher.sendMessage(1),
      test.publisher.sendMessage(2, { messageId: 'a' }),
      test.publisher.sendMessage(3, { key: 'k' }),
      test.publisher.sendMessage(4, { messageId: 'b', ttlMs: 1_000 }),
      test.publisher.sendMessage(5),
    ]);
    expect(test.broker.publishes).toHaveLength(1);
    expect(test.broker.streams.get('q')!.map(attributesOf)).toEqual([
      {},
      { messageId: 'a' },
      { key: 'k' },
      { messageId: 'b', ttlMs: 1_000 },
      {},
    ]);
  });

  it('sends those of a priority as one batch in their order, and delayed ones apart', async () => {
    await using test = await setUp({ features: ['priority', 'delay'] });
    await test.connection.cursor().session();
    const sent = Array.from({ length: 12 }, (_, i) => {
      const priority = i % 2 === 0 ? 'high' : 'normal';
      return test.publisher.sendMessage(i, { priority, ...(i % 3 === 0 && { delayMs: 1_000 }) });
    });
    await Promise.all(sent);
    expect(test.broker.publishes.map(({ batch }) => batch.count)).toEqual([2, 4, 4, 2]);
    const bodies = test.broker.streams.get('q')!.map((message) => [bodyOf(message), attributesOf(message)]);
    expect(bodies).toEqual([
      ...[1, 5, 7, 11].map((i) => [i, {}]),
      ...[2, 4, 8, 10].map((i) => [i, { priority: 2 }]),
    ]);
  });

  it('tells duplicates and delayed messages in their receipts', async () => {
    await using test = await setUp({ features: ['dedup', 'delay'] });
    await test.connection.cursor().session();
    const receipts = await Promise.all([
      test.publisher.sendMessage(1, { messageId: 'a' }),
      test.publisher.sendMessage(2, { messageId: 'a' }),
      test.publisher.sendMessage(3),
      test.publisher.sendMessage(4, { delayMs: 1_000 }),
      test.publisher.sendMessage(5, { deliverAt: new Date(Date.now() + 1_000) }),
    ]);
    expect(receipts.map(({ streams }) => streams[0])).toEqual([
      { stream: 'q', sequence: 1 },
      { stream: 'q', sequence: 1, duplicate: true },
      { stream: 'q', sequence: 2 },
      { stream: 'q', sequence: 0, delayedId: 1 },
      { stream: 'q', sequence: 0, delayedId: 2 },
    ]);
  });

  it('refuses one message id for many messages', async () => {
    await using test = await setUp({ features: ['dedup'] });
    await expect(test.publisher.sendMessages([1, 2], { messageId: 'a' })).rejects.toMatchObject({
      code: 'InvalidOption',
      details: { option: 'messageId' },
    });
  });

  it('refuses what the broker lacks the feature for, and nothing beside it', async () => {
    await using test = await setUp();
    const results = await Promise.allSettled([
      test.publisher.sendMessage(1),
      test.publisher.sendMessage(2, { priority: 'high' }),
      test.publisher.sendMessage(3, { delayMs: 5 }),
      test.publisher.sendMessages([4], { ttlMs: 5 }),
      test.publisher.sendMessage(5, { messageId: 'x' }),
      test.publisher.sendMessage(6),
    ]);
    expect(results.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'rejected',
      'rejected',
      'rejected',
      'fulfilled',
    ]);
    expect(results[1]).toMatchObject({
      reason: { code: 'Unsupported', details: { features: ['priority'] } },
    });
    expect(bodiesOf(test.broker)).toEqual([1, 6]);
  });

  it('refuses any number of messages that ask for what the broker lacks, each by itself', async () => {
    await using test = await setUp();
    const sent = Array.from({ length: 20_000 }, (_, i) =>
      test.publisher.sendMessage(i, i % 2 === 0 ? { delayMs: 60_000 } : { ttlMs: 1 + i, priority: 'low' }),
    );
    const codes = (await Promise.allSettled(sent)).map((result) => {
      return result.status === 'rejected' ? result.reason.code : result.status;
    });
    expect(new Set(codes)).toEqual(new Set(['Unsupported']));
    expect((await test.publisher.sendMessage(1)).streams).toEqual([{ stream: 'q', sequence: 1 }]);
  });

  it('sends them to a broker that has it', async () => {
    await using test = await setUp({ features: ['priority'] });
    const receipt = await test.publisher.sendMessage(1, { priority: 'high' });
    expect(receipt.streams).toHaveLength(1);
  });

  it('refuses options that are wrong, by name', async () => {
    await using test = await setUp();
    for (const options of [{ headers: { a: 1 } }, { key: 1 }, { prio: 1 }, { delayMs: 1, deliverAt: 2 }]) {
      await expect(test.publisher.sendMessage(1, options as object)).rejects.toMatchObject({
        code: 'InvalidOption',
      });
    }
  });

  it('rejects a body past maxMessageBytes without sending it, before WELCOME too, and sends the others', async () => {
    await using test = await setUp({ limits: { maxMessageBytes: 100, maxBatchRecords: 2 } });
    const send = () =>
      Promise.allSettled(
        [1, 101, 100, 50, 102, 60].map((bytes) => test.publisher.sendMessage(Buffer.alloc(bytes))),
      );
    for (const first of [1, 5]) {
      const results = await send();
      expect(results.map(({ status }) => status === 'fulfilled')).toEqual([
        true,
        false,
        true,
        true,
        false,
        true,
      ]);
      expect(results[1]).toMatchObject({
        reason: { code: 'MessageTooLarge', details: { limit: 'maxMessageBytes' } },
      });
      expect(results[5]).toMatchObject({ value: { streams: [{ sequence: first + 3 }] } });
    }
    expect(test.broker.publishes.every(({ batch }) => batch.count <= 2)).toBe(true);
    await expect(test.publisher.sendMessage(Buffer.alloc(9_000_000))).rejects.toMatchObject({
      code: 'MessageTooLarge',
    });
  });

  it('sends as many batches as small frames need, before WELCOME too, in order', async () => {
    const limits = { maxMessageBytes: 3_000, maxFrameBytes: 10_000 };
    await using test = await setUp({ limits });
    const all: number[] = [];
    for (let round = 0; round < 2; round++) {
      const numbers = Array.from({ length: 5_000 }, (_, i) => round * 10_000 + i);
      const many = test.publisher.sendMessages(numbers, { headers: { a: 'b'.repeat(1_000) } });
      const alone = numbers
        .slice(0, 20)
        .map((n) => test.publisher.sendMessage(n, { key: 'k'.repeat(2_000) }));
      await Promise.all([many, ...alone]);
      all.push(...numbers, ...numbers.slice(0, 20));
    }
    expect(bodiesOf(test.broker)).toEqual(all);
    const sizes = test.broker.frames
      .filter(({ opcode }) => opcode === Opcode.Publish)
      .map(({ payload }) => payload.length);
    expect(Math.max(...sizes)).toBeLessThan(limits.maxFrameBytes);
    expect(test.broker.connections).toBe(1);
  });

  it('rejects a message whose headers leave no room for it in any frame, and sends the others', async () => {
    await using test = await setUp({ limits: { maxMessageBytes: 3_000, maxFrameBytes: 10_000 } });
    for (let round = 0; round < 2; round++) {
      const headers = { a: 'b'.repeat(4_000) };
      const sent = [{}, { headers }, {}].map((options) =>
        test.publisher.sendMessage(Buffer.alloc(3_000), options),
      );
      const shared = test.publisher.sendMessages([Buffer.alloc(3_000), Buffer.alloc(500)], { headers });
      const tooLarge = { code: 'MessageTooLarge', details: { limit: 'maxFrameBytes' } };
      await expect(sent[1]).rejects.toMatchObject(tooLarge);
      await expect(shared).rejects.toMatchObject(tooLarge);
      await Promise.all([sent[0], sent[2]]);
      await test.publisher.flush();
    }
    expect(test.broker.streams.get('q')).toHaveLength(6);
    expect(test.broker.connections).toBe(1);
  });

  it('keeps no more in flight than maxInFlight, and all in order', async () => {
    await using test = await setUp();
    test.broker.holdConfirms = true;
    const publisher = new Publisher(test.connection, new Bind('q'), { maxInFlight: { messages: 10 } });
    const sent = Array.from({ length: 35 }, (_, i) => publisher.sendMessage(i));
    await test.broker.until(() => test.broker.publishes.length === 1);
    expect(test.broker.streams.get('q')).toHaveLength(10);
    test.broker.releaseConfirms();
    await Promise.all(sent);
    expect(bodiesOf(test.broker)).toEqual(Array.from({ length: 35 }, (_, i) => i));
  });

  it('keeps no more batches unconfirmed than the broker takes, and fills the next one meanwhile', async () => {
    await using test = await setUp({ limits: { maxUnconfirmedBatches: 2 } });
    await test.connection.cursor().session();
    test.broker.holdConfirms = true;
    const sent: Promise<unknown>[] = [];
    for (let i = 0; i < 10; i++) {
      sent.push(test.publisher.sendMessage(i));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await test.broker.until(() => test.broker.publishes.length === 2);
    test.broker.releaseConfirms();
    await Promise.all(sent);
    expect(test.broker.publishes).toHaveLength(3);
    expect(bodiesOf(test.broker)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('sends again over reconnects what was not confirmed, in order, and it is stored once', async () => {
    await using test = await setUp();
    test.broker.holdConfirms = true;
    const sent: Promise<unknown>[] = [];
    for (let round = 0; round < 5; round++) {
      for (let i = 0; i < 20; i++) sent.push(test.publisher.sendMessage(round * 20 + i));
      const before = test.broker.publishes.length;
      await test.broker.until(() => test.broker.publishes.length > before);
      const connected = once(test.connection, 'connected');
      test.broker.drop();
      await connected;
    }
    test.broker.holdConfirms = false;
    test.broker.drop();
    await Promise.all(sent);
    expect(bodiesOf(test.broker)).toEqual(Array.from({ length: 100 }, (_, i) => i));
    const producers = new Set(test.broker.hellos.map(({ producer }) => producer.toString('hex')));
    expect(producers.size).toBe(1);
  });

  it('promises as settled only numbers that were answered', async () => {
    await using test = await setUp();
    for (let i = 0; i < 3; i++) await test.publisher.sendMessage(i);
    expect(test.broker.publishes.map(({ number, settled }) => [number, settled])).toEqual([
      [1, 0],
      [2, 1],
      [3, 2],
    ]);
  });

  it('rejects what is too old to be sent again safely as ConnectionLost', async () => {
    await using test = await setUp({ limits: { producerWindowMs: 0 } });
    test.broker.intercept = ({ opcode }, peer) => {
      if (opcode !== Opcode.Publish) return false;
      test.broker.intercept = undefined;
      setTimeout(() => peer.socket.destroy(), 2);
      return true;
    };
    await expect(test.publisher.sendMessage(1)).rejects.toMatchObject({
      code: 'ConnectionLost',
      details: { limit: 'producerWindowMs' },
    });
    expect((await test.publisher.sendMessage(2)).streams[0]!.sequence).toBe(1);
  });

  it('flush waits for what was sent, and close for that and refuses more', async () => {
    await using test = await setUp();
    test.broker.holdConfirms = true;
    let confirmed = false;
    void test.publisher.sendMessage(1).then(() => {
      confirmed = true;
    });
    await test.broker.until(() => test.broker.publishes.length === 1);
    const flushed = test.publisher.flush();
    expect(confirmed).toBe(false);
    test.broker.releaseConfirms();
    await flushed;
    expect(confirmed).toBe(true);
    await test.publisher.close();
    await expect(test.publisher.sendMessage(1)).rejects.toMatchObject({ code: 'ConnectionLost' });
  });

  it('sends what another codec makes as bytes', async () => {
    await using test = await setUp();
    await new Publisher(test.connection, new Bind('q'), { codec: json }).sendMessage({ a: 1 });
    await new Publisher<Uint8Array>(test.connection, new Bind('q'), { codec: raw }).sendMessage(
      Buffer.from('x'),
    );
    const records = test.broker.streams.get('q')!.map(({ record }) => record);
    expect(records.map((record) => record[4])).toEqual([2, 2]);
    expect(records[0]!.subarray(5).toString()).toBe('{"a":1}');
  });
});

describe('the quick way for strings', () => {
  it('writes any string so that the codec reads it', () => {
    const writer = bodyWriter(msgpack);
    const text = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 1_100 }), fc.string({ maxLength: 40 }));
    fc.assert(
      fc.property(text, (given) => {
        expect(msgpack.decode(Buffer.from(writer.encode(given)))).toBe(given);
      }),
    );
    for (const length of [0, 1, 10, 11, 85, 86, 255, 1_023, 1_024]) {
      for (const character of ['a', 'é', '€']) {
        const given = character.repeat(length);
        expect(msgpack.decode(Buffer.from(writer.encode(given)))).toBe(given);
      }
    }
  });
});
