import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { Bind, Connection, json, Publisher, type ReadMessage } from '../../src/index.ts';
import { FakeBroker } from '../fake-broker.ts';

async function setUp() {
  const broker = await FakeBroker.start({ features: ['priority'] });
  broker.streams.set('q', []);
  const connection = new Connection({ port: broker.port });
  return {
    broker,
    cursor: connection.cursor(),
    publisher: new Publisher(connection, new Bind('q')),
    async [Symbol.asyncDispose]() {
      await connection.close();
      await broker.close();
    },
  };
}

const sequences = (messages: readonly ReadMessage[]) => messages.map(({ sequence }) => sequence);

describe('Cursor.read', () => {
  it('shows messages without consuming them, over pages, from a place on, up to the limit', async () => {
    await using test = await setUp();
    await test.publisher.sendMessages([1, 2, 3, 4, 5, 6, 7]);
    const all = await test.cursor.read<number>('q');
    expect(all.map(({ body }) => body)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(sequences(await test.cursor.read('q', { from: { sequence: 4 } }))).toEqual([4, 5, 6, 7]);
    expect(sequences(await test.cursor.read('q', { limit: 3 }))).toEqual([1, 2, 3]);
    expect(test.broker.leftOf('q')).toBe(7);
    expect(test.broker.pendingOf('q')).toBe(0);
  });

  it('shows what a message is', async () => {
    await using test = await setUp();
    await test.publisher.sendMessage({ a: 1 }, { headers: { h: 'x' }, key: 'k', priority: 'high' });
    const [message] = await test.cursor.read('q');
    expect(message).toMatchObject({ stream: 'q', sequence: 1, body: { a: 1 } });
    expect(message).toMatchObject({ headers: { h: 'x' }, key: 'k', priority: 'high' });
    expect(message!.timestamp).toEqual(new Date(1_700_000_000_001));
    expect(inspect(message)).toBe("ReadMessage { stream: 'q', sequence: 1, body: { a: 1 } }");
  });

  it('decodes with the codec it is given, and only when a body is looked at', async () => {
    await using test = await setUp();
    await test.publisher.sendMessage(Buffer.from('{"a":1}'));
    await test.publisher.sendMessage(Buffer.from('no JSON'));
    const [good, bad] = await test.cursor.read('q', { codec: json });
    expect(good!.body).toEqual({ a: 1 });
    expect(() => bad!.body).toThrow(expect.objectContaining({ code: 'ProtocolViolation' }));
  });

  it('refuses a limit that is none, and a stream that is not there', async () => {
    await using test = await setUp();
    await expect(test.cursor.read('q', { limit: 0 })).rejects.toMatchObject({ code: 'InvalidOption' });
    await expect(test.cursor.read('missing')).rejects.toMatchObject({ code: 'StreamNotFound' });
  });
});

describe('Cursor.browse', () => {
  it('goes through all that is there when it begins, and ends', async () => {
    await using test = await setUp();
    await test.publisher.sendMessages([1, 2, 3, 4, 5]);
    const seen: number[] = [];
    for await (const message of test.cursor.browse<number>('q', { from: { sequence: 2 } })) {
      seen.push(message.body);
      await test.publisher.sendMessage(message.body * 10);
    }
    expect(seen).toEqual([2, 3, 4, 5]);
    for await (const _ of test.cursor.browse('q', { from: { sequence: 100 } })) expect.unreachable();
  });
});
