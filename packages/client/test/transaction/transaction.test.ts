import { once } from 'node:events';
import { Opcode, readRecord, StreamFull, StreamNotFound } from '@simplemq/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { msgpack } from '../../src/codec/msgpack.ts';
import {
  Bind,
  Connection,
  Follower,
  json,
  type Message,
  type Priority,
  Publisher,
  type Transaction,
} from '../../src/index.ts';
import { FakeBroker, type FakeBrokerOptions } from '../fake-broker.ts';
import { attributesOf } from '../stored-message.ts';

const FEATURES = ['transactions', 'priority', 'delay', 'dedup', 'deadLetters'];

async function setUp(count: number, options: FakeBrokerOptions = {}) {
  const broker = await FakeBroker.start({ features: FEATURES, ...options });
  for (const stream of ['in', 'a', 'b']) broker.streams.set(stream, []);
  const connection = new Connection({ port: broker.port, reconnect: { minDelayMs: 1, maxDelayMs: 5 } });
  const bodies = Array.from({ length: count }, (_, i) => i + 1);
  if (count > 0) await new Publisher(connection, new Bind('in')).sendMessages(bodies);
  const messages = new Follower<number>(connection, new Bind('in'), { prefetch: 100 }).getMessages();
  return {
    broker,
    connection,
    async take(): Promise<Message<number>> {
      return (await messages.next()).value!;
    },
    async [Symbol.asyncDispose]() {
      await connection.close();
      await broker.close();
    },
  };
}

const bodiesOf = (broker: FakeBroker, stream: string) =>
  broker.streams.get(stream)!.map(({ record }) => msgpack.decode(readRecord(record, 0).body));

describe('a transaction', () => {
  it('publishes and acks in one commit, and tells where everything went', async () => {
    await using test = await setUp(3);
    const taken = [await test.take(), await test.take(), await test.take()];
    const receipt = await test.connection.transaction(async (tx) => {
      for (const message of taken) {
        await Promise.resolve();
        tx.publish(new Bind('a'), message.body * 10, { headers: { of: String(message.body) } });
        tx.ack(message);
      }
      tx.publish(new Bind('b'), 'done', { key: 'k' });
    });
    expect(receipt).toEqual({
      publishes: [
        { streams: [{ stream: 'a', sequence: 1 }], durability: 'memory' },
        { streams: [{ stream: 'a', sequence: 2 }], durability: 'memory' },
        { streams: [{ stream: 'a', sequence: 3 }], durability: 'memory' },
        { streams: [{ stream: 'b', sequence: 1 }], durability: 'memory' },
      ],
      durability: 'memory',
    });
    expect(bodiesOf(test.broker, 'a')).toEqual([10, 20, 30]);
    expect(test.broker.streams.get('a')!.map((message) => attributesOf(message).headers)).toEqual([
      { of: '1' },
      { of: '2' },
      { of: '3' },
    ]);
    expect(test.broker.leftOf('in')).toBe(0);
    const [sent] = test.broker.transactions;
    expect(sent!.acks).toEqual([
      { follower: 1, entries: [{ stream: 'in', ranges: [{ first: 1, last: 3, attempt: 1 }] }] },
    ]);
    expect(sent!.publishes.map(({ bind, batch }) => [bind, batch.count])).toEqual([
      [{ stream: 'a' }, 3],
      [{ stream: 'b' }, 1],
    ]);
  });

  it('sends nothing when its function throws, and the messages are unsettled again', async () => {
    await using test = await setUp(1);
    const message = await test.take();
    const failed = test.connection.transaction((tx) => {
      tx.publish(new Bind('a'), 1);
      tx.ack(message);
      expect(message.unsettled).toBe(false);
      throw new Error('no');
    });
    await expect(failed).rejects.toThrow('no');
    expect(message.unsettled).toBe(true);
    await message.nack({ delayMs: 0 });
    expect(test.broker.count(Opcode.Transaction)).toBe(0);
    expect(await test.take()).toMatchObject({ sequence: 1, attempt: 2 });
  });

  it('has the message until it ends, and no other settlement is taken meanwhile or afterwards', async () => {
    await using test = await setUp(1);
    const message = await test.take();
    await test.connection.transaction(async (tx) => {
      tx.ack(message);
      await expect(message.ack()).rejects.toMatchObject({ code: 'StaleAck' });
      await expect(message.reject()).rejects.toMatchObject({ code: 'StaleAck' });
      expect(() => tx.ack(message)).toThrow(expect.objectContaining({ code: 'StaleAck' }));
    });
    expect(message.unsettled).toBe(false);
    await expect(message.nack()).rejects.toMatchObject({ code: 'StaleAck' });
    expect(test.broker.leftOf('in')).toBe(0);
  });

  it('that the broker refuses does nothing, and its messages can be nacked', async () => {
    await using test = await setUp(1);
    const message = await test.take();
    const work = (tx: Transaction) => {
      tx.publish(new Bind('a'), 1);
      tx.publish(new Bind('missing'), 1);
      tx.ack(message);
    };
    await expect(test.connection.transaction(work)).rejects.toMatchObject({ code: 'StreamNotFound' });
    expect(test.broker.leftOf('a')).toBe(0);
    await message.nack({ delayMs: 0 });
    expect(await test.take()).toMatchObject({ sequence: 1, attempt: 2 });
  });

  it('fails with StaleAck when the broker gave a message to another meanwhile', async () => {
    await using test = await setUp(1);
    const message = await test.take();
    test.broker.streams.get('in')![0]!.attempt = 2;
    const failed = test.connection.transaction((tx) => {
      tx.publish(new Bind('a'), 1);
      tx.ack(message);
    });
    await expect(failed).rejects.toMatchObject({ code: 'StaleAck' });
    expect(test.broker.leftOf('a')).toBe(0);
  });

  it('refuses a message whose lease is gone at once, and sends nothing', async () => {
    await using test = await setUp(2);
    const message = await test.take();
    const later = await test.take();
    await expect(
      test.connection.transaction(async (tx) => {
        tx.publish(new Bind('a'), 1);
        tx.ack(later);
        const lost = once(later.signal, 'abort');
        test.broker.drop();
        await lost;
        expect(() => tx.ack(message)).toThrow(expect.objectContaining({ code: 'StaleAck' }));
      }),
    ).rejects.toMatchObject({ code: 'StaleAck' });
    expect(test.broker.count(Opcode.Transaction)).toBe(0);
  });

  it('that was committed answers with its receipt when the connection was lost before the answer', async () => {
    await using test = await setUp(1);
    const message = await test.take();
    test.broker.holdConfirms = true;
    const sent = test.connection.transaction((tx) => {
      tx.publish(new Bind('a'), 'once');
      tx.ack(message);
    });
    await test.broker.until(() => test.broker.transactions.length === 1);
    test.broker.holdConfirms = false;
    test.broker.drop();
    expect(await sent).toMatchObject({ publishes: [{ streams: [{ stream: 'a', sequence: 1 }] }] });
    expect(bodiesOf(test.broker, 'a')).toEqual(['once']);
    expect(test.broker.leftOf('in')).toBe(0);
    expect(new Set(test.broker.transactions.map(({ number }) => number)).size).toBe(1);
  });

  it('that was not committed when the connection was lost fails with StaleAck, as its leases are gone', async () => {
    await using test = await setUp(1);
    const message = await test.take();
    test.broker.intercept = ({ opcode }, peer) => {
      if (opcode !== Opcode.Transaction) return false;
      test.broker.intercept = undefined;
      peer.socket.destroy();
      return true;
    };
    const sent = test.connection.transaction((tx) => {
      tx.publish(new Bind('a'), 1);
      tx.ack(message);
    });
    await expect(sent).rejects.toMatchObject({ code: 'StaleAck' });
    expect(test.broker.leftOf('a')).toBe(0);
    await expect(message.ack()).rejects.toMatchObject({ code: 'StaleAck' });
    expect(await test.take()).toMatchObject({ sequence: 1, attempt: 2 });
  });

  it('is numbered with the publishes of its connection', async () => {
    await using test = await setUp(0);
    const publisher = new Publisher(test.connection, new Bind('a'));
    await publisher.sendMessage(1);
    await test.connection.transaction((tx) => tx.publish(new Bind('a'), 2));
    await publisher.sendMessage(3);
    expect(test.broker.publishes.map(({ number, settled }) => [number, settled])).toEqual([
      [1, 0],
      [3, 2],
    ]);
    expect(test.broker.transactions).toMatchObject([{ number: 2, settled: 1 }]);
    expect(bodiesOf(test.broker, 'a')).toEqual([1, 2, 3]);
  });

  it('without anything in it is not sent', async () => {
    await using test = await setUp(0);
    expect(await test.connection.transaction(() => undefined)).toMatchObject({ publishes: [] });
    expect(test.broker.count(Opcode.Transaction)).toBe(0);
  });

  it('takes nothing more once its function has returned', async () => {
    await using test = await setUp(1);
    const message = await test.take();
    let kept: Transaction | undefined;
    await test.connection.transaction((tx) => {
      kept = tx;
    });
    expect(() => kept!.publish(new Bind('a'), 1)).toThrow(expect.objectContaining({ code: 'InvalidOption' }));
    expect(() => kept!.ack(message)).toThrow(expect.objectContaining({ code: 'InvalidOption' }));
    await message.ack();
  });

  it('refuses messages of another connection', async () => {
    await using test = await setUp(1);
    await using other = new Connection({ port: test.broker.port });
    const message = await test.take();
    await expect(other.transaction((tx) => tx.ack(message))).rejects.toMatchObject({ code: 'InvalidOption' });
    await message.ack();
  });

  it('past a limit is MessageTooLarge, naming it, and nothing is sent', async () => {
    const limits = { maxFrameBytes: 10_000, maxMessageBytes: 4_000, maxBatchRecords: 100 };
    await using test = await setUp(0, { limits });
    const cases: [string, (tx: Transaction) => void][] = [
      ['maxMessageBytes', (tx) => tx.publish(new Bind('a'), Buffer.alloc(4_001))],
      [
        'maxFrameBytes',
        (tx) => {
          for (let i = 0; i < 3; i++) tx.publish(new Bind('a'), Buffer.alloc(3_500));
        },
      ],
      // It would fit, and not with what is around it on its way to a follower.
      [
        'maxFrameBytes',
        (tx) => tx.publish(new Bind('a'), Buffer.alloc(4_000), { headers: { a: 'b'.repeat(5_500) } }),
      ],
      [
        'maxBatchRecords',
        (tx) => {
          for (let i = 0; i < 101; i++) tx.publish(new Bind('a'), i);
        },
      ],
      [
        'TRANSACTION_PUBLISHES_MAX',
        (tx) => {
          for (let i = 0; i < 1_025; i++) tx.publish(new Bind(`s${i}`), i);
        },
      ],
    ];
    for (const [limit, work] of cases) {
      await expect(test.connection.transaction(work)).rejects.toMatchObject({
        code: 'MessageTooLarge',
        details: { limit },
      });
    }
    expect(test.broker.count(Opcode.Transaction)).toBe(0);
  });

  it('is Unsupported by a broker without transactions, or without what a message asks for', async () => {
    await using test = await setUp(0, { features: ['transactions'] });
    const delayed = test.connection.transaction((tx) => tx.publish(new Bind('a'), 1, { delayMs: 5 }));
    await expect(delayed).rejects.toMatchObject({ code: 'Unsupported', details: { features: ['delay'] } });
    await using plain = await setUp(0, { features: [] });
    const any = plain.connection.transaction((tx) => tx.publish(new Bind('a'), 1));
    await expect(any).rejects.toMatchObject({ code: 'Unsupported', details: { features: ['transactions'] } });
  });

  it('has codec and mustMatch for each publish', async () => {
    await using test = await setUp(0);
    await test.connection.transaction((tx) => tx.publish(new Bind('a'), { x: 1 }, { codec: json }));
    const record = readRecord(test.broker.streams.get('a')![0]!.record, 0);
    expect(record.body.toString()).toBe('{"x":1}');
    const nowhere = new Bind(/^nowhere/);
    expect(await test.connection.transaction((tx) => tx.publish(nowhere, 1))).toMatchObject({
      publishes: [{ streams: [] }],
    });
    await expect(
      test.connection.transaction((tx) => tx.publish(nowhere, 1, { mustMatch: true })),
    ).rejects.toMatchObject({ code: 'NoMatchingStream' });
  });

  it('keeps, on each stream and for each priority, the order of its publishes, and tells each its place', async () => {
    await using test = await setUp(0);
    await test.connection.cursor().session();
    const targets = { a: new Bind('a'), b: new Bind('b'), all: new Bind(/^[ab]$/) };
    const publish = fc.tuple(
      fc.constantFrom(...(Object.keys(targets) as (keyof typeof targets)[])),
      fc.constantFrom<Priority>('normal', 'high'),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(publish, { minLength: 1, maxLength: 30 }), async (publishes) => {
        for (const stream of ['a', 'b']) test.broker.streams.set(stream, []);
        const receipt = await test.connection.transaction((tx) => {
          publishes.forEach(([target, priority], i) => {
            tx.publish(targets[target], i, { priority });
          });
        });
        for (const stream of ['a', 'b']) {
          const stored = test.broker.streams.get(stream)!;
          for (const priority of ['normal', 'high'] as const) {
            const expected = publishes.flatMap(([target, level], i) =>
              (target === stream || target === 'all') && level === priority ? [i] : [],
            );
            const level = priority === 'high' ? 2 : undefined;
            const found = stored.filter((message) => attributesOf(message).priority === level);
            expect(found.map(({ record }) => msgpack.decode(readRecord(record, 0).body))).toEqual(expected);
          }
        }
        receipt.publishes.forEach(({ streams }, i) => {
          expect(streams.map(({ stream }) => stream)).toEqual(
            publishes[i]![0] === 'all' ? ['a', 'b'] : [publishes[i]![0]],
          );
          for (const { stream, sequence } of streams) {
            expect(bodiesOf(test.broker, stream)[sequence - 1]).toBe(i);
          }
        });
      }),
      { numRuns: 50 },
    );
  });
});

describe('a worker with transactions', () => {
  it('does not ack again what a transaction has acked, and nacks when the transaction failed', async () => {
    await using test = await setUp(20);
    const abort = new AbortController();
    let full = 3;
    let handled = 0;
    test.broker.intercept = ({ opcode }) => {
      if (opcode === Opcode.Transaction && full-- > 0) throw new StreamFull('no room');
      return false;
    };
    const follower = new Follower<number>(test.connection, new Bind('in'));
    await follower.run(
      async (message) => {
        await test.connection.transaction((tx) => {
          tx.publish(new Bind('a'), message.body);
          tx.ack(message);
        });
        if (++handled === 20) abort.abort();
      },
      { signal: abort.signal },
    );
    expect(bodiesOf(test.broker, 'a').sort((x, y) => x - y)).toEqual(
      Array.from({ length: 20 }, (_, i) => i + 1),
    );
    expect(test.broker.count(Opcode.Ack)).toBe(0);
    expect(test.broker.count(Opcode.Nack)).toBe(3);
  });

  it('takes a message whose handler is too slow from its transaction, which then does nothing', async () => {
    await using test = await setUp(1);
    const abort = new AbortController();
    const outcome = Promise.withResolvers<unknown>();
    const follower = new Follower<number>(test.connection, new Bind('in'));
    await follower.run(
      async (message) => {
        if (message.attempt === 2) {
          abort.abort();
          return;
        }
        const slow = test.connection.transaction(async (tx) => {
          tx.publish(new Bind('a'), 1);
          tx.ack(message);
          await once(message.signal, 'abort');
        });
        outcome.resolve(slow.catch((error) => error));
        await slow;
      },
      { signal: abort.signal, timeoutMs: 20 },
    );
    expect(await outcome.promise).toMatchObject({ code: 'StaleAck' });
    expect(test.broker.leftOf('a')).toBe(0);
    expect(test.broker.leftOf('in')).toBe(0);
  });

  it('keeps the lease of a message while its transaction is filled', async () => {
    await using test = await setUp(1, { leaseMs: 30 });
    const message = await test.take();
    await test.connection.transaction(async (tx) => {
      tx.ack(message);
      await test.broker.until(() => test.broker.count(Opcode.Extend) >= 2);
    });
    expect(test.broker.leftOf('in')).toBe(0);
  });
});

describe('a transaction whose follower has ended', () => {
  it('is StaleAck', async () => {
    await using test = await setUp(1);
    const message = await test.take();
    const failed = test.connection.transaction(async (tx) => {
      tx.ack(message);
      const lost = once(message.signal, 'abort');
      test.broker.endFollowers(new StreamNotFound('the stream was deleted'));
      await lost;
    });
    await expect(failed).rejects.toMatchObject({ code: 'StaleAck' });
    expect(test.broker.count(Opcode.Transaction)).toBe(0);
  });
});
