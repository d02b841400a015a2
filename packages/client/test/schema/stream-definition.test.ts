import { decodeReject, Opcode } from '@simplemq/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  Bind,
  Connection,
  defineStream,
  Follower,
  json,
  Publisher,
  type StandardSchema,
} from '../../src/index.ts';
import { FakeBroker } from '../fake-broker.ts';
import { type Order, orderSchema, type PlacedOrder, slowOrderSchema } from './schemas.ts';

async function setUp() {
  const broker = await FakeBroker.start({ features: ['deadLetters', 'transactions'] });
  broker.streams.set('orders', []);
  const connection = new Connection({ port: broker.port });
  return {
    broker,
    connection,
    /** Publishes without a schema. */
    anything: new Publisher(connection, new Bind('orders')),
    async [Symbol.asyncDispose]() {
      await connection.close();
      await broker.close();
    },
  };
}

const order = (id: number): Order => ({ id, placed: '2026-01-02T03:04:05.000Z' });
const wrong = { id: '1' } as unknown as Order;
const schemas = { synchronous: orderSchema, asynchronous: slowOrderSchema };

const reasonsOf = (broker: FakeBroker) =>
  broker.frames
    .filter(({ opcode }) => opcode === Opcode.Reject)
    .map(({ payload }) => decodeReject(payload).reason);

describe.each(Object.entries(schemas))('a typed stream with an %s schema', (_, schema) => {
  const orders = defineStream('orders', { schema });

  it('takes what is valid, and hands out what the schema makes of it', async () => {
    await using test = await setUp();
    await orders.publisher(test.connection).sendMessage(order(1));
    for await (const message of orders.follower(test.connection).getMessages()) {
      const body: PlacedOrder = message.body;
      expect(body).toEqual({ id: 1, placed: new Date('2026-01-02T03:04:05.000Z') });
      await message.ack();
      break;
    }
    expect(test.broker.leftOf('orders')).toBe(0);
  });

  it('refuses to send what is not valid, and tells why', async () => {
    await using test = await setUp();
    const publisher = orders.publisher(test.connection);
    const sent = await Promise.allSettled([
      publisher.sendMessage(order(1)),
      publisher.sendMessage(wrong),
      publisher.sendMessage(order(2)),
      publisher.sendMessages([order(3), wrong]),
    ]);
    expect(sent.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'rejected']);
    expect(sent[1]).toMatchObject({
      reason: {
        code: 'InvalidOption',
        message: 'a body is not as its schema has it: id: must be a number; placed: must be a string',
      },
    });
    // Of many none is sent when one is wrong.
    expect(test.broker.leftOf('orders')).toBe(2);
  });

  it('puts what is not valid into the dead letters, and a loop goes on with the next', async () => {
    await using test = await setUp();
    await test.anything.sendMessages([order(1), wrong, { placed: '' }, order(4)]);
    const seen: number[] = [];
    for await (const message of orders.follower(test.connection).getMessages()) {
      seen.push(message.body.id);
      await message.ack();
      if (seen.length === 2) break;
    }
    expect(seen).toEqual([1, 4]);
    expect(reasonsOf(test.broker)).toEqual([
      'id: must be a number; placed: must be a string',
      'id: must be a number',
    ]);
    expect(test.broker.leftOf('$dead.orders')).toBe(2);
    expect(test.broker.leftOf('orders')).toBe(0);
  });

  it('lets no handler, nor what is around it, see what is not valid', async () => {
    await using test = await setUp();
    await test.anything.sendMessages([wrong, order(2), wrong, order(4)]);
    const abort = new AbortController();
    const seen: number[] = [];
    const around: Date[] = [];
    await orders.follower(test.connection).run(
      (message) => {
        seen.push(message.body.id);
        if (seen.length === 2) abort.abort();
      },
      {
        signal: abort.signal,
        around: (message, next) => {
          around.push(message.body.placed);
          return next();
        },
      },
    );
    expect(seen).toEqual([2, 4]);
    expect(around).toHaveLength(2);
    expect(test.broker.leftOf('$dead.orders')).toBe(2);
    expect(test.broker.leftOf('orders')).toBe(0);
  });

  it('fails a transaction with what is not valid, and takes what is', async () => {
    await using test = await setUp();
    const failed = test.connection.transaction((tx) => {
      tx.publish(orders, order(1));
      tx.publish(orders, wrong);
    });
    await expect(failed).rejects.toMatchObject({ code: 'InvalidOption' });
    expect(test.broker.leftOf('orders')).toBe(0);
    await test.connection.transaction((tx) => tx.publish(orders, order(1)));
    expect(test.broker.leftOf('orders')).toBe(1);
  });

  it('answers several next() calls in order', async () => {
    await using test = await setUp();
    await test.anything.sendMessages([order(1), wrong, order(3), order(4)]);
    const messages = orders.follower(test.connection).getMessages();
    const results = await Promise.all([messages.next(), messages.next(), messages.next()]);
    expect(results.map(({ value }) => value?.body.id)).toEqual([1, 3, 4]);
    await messages.return!();
    expect(test.broker.followers.size).toBe(0);
  });
});

describe('a typed stream', () => {
  it('keeps the order of sends, however long each takes to be validated', async () => {
    await using test = await setUp();
    const publisher = defineStream('orders', { schema: slowOrderSchema }).publisher(test.connection);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat({ max: 20 }), { minLength: 1, maxLength: 12 }), async (ids) => {
        test.broker.streams.set('orders', []);
        const receipts = await Promise.all(ids.map((id) => publisher.sendMessage(order(id))));
        expect(receipts.map(({ streams }) => streams[0]!.sequence)).toEqual(ids.map((_, i) => i + 1));
      }),
      { numRuns: 15 },
    );
  });

  it('is closed only when what is being validated was sent', async () => {
    await using test = await setUp();
    const publisher = defineStream('orders', { schema: slowOrderSchema }).publisher(test.connection);
    const sent = publisher.sendMessage(order(6));
    await publisher.close();
    expect((await sent).streams).toHaveLength(1);
    await expect(publisher.sendMessage(order(6))).rejects.toMatchObject({ code: 'ConnectionLost' });
  });

  it('without a schema is a name with a type and a codec', async () => {
    await using test = await setUp();
    const orders = defineStream<Order>('orders', { codec: json });
    expect(orders).toMatchObject({ name: 'orders', bind: new Bind('orders') });
    await orders.publisher(test.connection).sendMessage(order(1));
    await test.connection.transaction((tx) => tx.publish(orders, order(2)));
    const messages = orders.follower(test.connection, { prefetch: 2 }).getMessages();
    expect((await messages.next()).value!.body).toEqual(order(1));
    expect((await messages.next()).value!.body).toEqual(order(2));
    expect(() => defineStream('')).toThrow(expect.objectContaining({ code: 'InvalidName' }));
  });

  it('rejects what the codec cannot decode', async () => {
    await using test = await setUp();
    await test.anything.sendMessage(Buffer.from('no JSON'));
    await test.anything.sendMessage(Buffer.from(JSON.stringify(order(2))));
    const orders = defineStream('orders', { schema: orderSchema, codec: json });
    const messages = orders.follower(test.connection).getMessages();
    expect((await messages.next()).value!.body.id).toBe(2);
    expect(reasonsOf(test.broker)[0]).toContain('cannot be decoded');
  });

  it('delivers again what the schema could not look at because it failed itself', async () => {
    await using test = await setUp();
    await test.anything.sendMessage(order(1));
    let calls = 0;
    const failing: StandardSchema<unknown, Order> = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: (value) => {
          calls++;
          if (calls === 1) throw new Error('no database');
          if (calls === 2) return Promise.reject(new Error('no database'));
          return { value: value as Order };
        },
      },
    };
    const follower = new Follower(test.connection, new Bind('orders'), { schema: failing });
    const { value } = await follower.getMessages().next();
    expect(value).toMatchObject({ attempt: 3, body: order(1) });
  });

  it('is not acked before it was looked at', async () => {
    await using test = await setUp();
    const follower = defineStream('orders', { schema: orderSchema }).follower(test.connection);
    expect(() => follower.getMessages({ autoAck: true })).toThrow(
      expect.objectContaining({ code: 'InvalidOption', details: { option: 'autoAck' } }),
    );
  });

  it('needs a broker with dead letters for a schema to be followed', async () => {
    await using broker = await FakeBroker.start();
    broker.streams.set('orders', []);
    await using connection = new Connection({ port: broker.port });
    const follower = defineStream('orders', { schema: orderSchema }).follower(connection);
    await expect(follower.getMessages().next()).rejects.toMatchObject({
      code: 'Unsupported',
      details: { features: ['deadLetters'] },
    });
  });
});
