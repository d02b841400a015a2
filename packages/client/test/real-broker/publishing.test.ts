import { Opcode } from '@simplemq/protocol';
import { FaultyProxy, startTestBroker } from '@simplemq/testkit';
import { describe, expect, it } from 'vitest';
import { Bind, Connection, Follower, Publisher } from '../../src/index.ts';
import { FakeBroker } from '../fake-broker.ts';

async function setUp() {
  const broker = await startTestBroker();
  const connection = new Connection({ port: broker.port, host: broker.host });
  await connection.cursor().createStream('q');
  return {
    connection,
    cursor: connection.cursor(),
    publisher: new Publisher<number | string>(connection, new Bind('q')),
    follower: new Follower<number | string>(connection, new Bind('q')),
    async [Symbol.asyncDispose]() {
      await connection.close();
      await broker[Symbol.asyncDispose]();
    },
  };
}

/** Takes and acks so many messages. */
async function bodies(follower: Follower<number | string>, count: number): Promise<(number | string)[]> {
  const seen: (number | string)[] = [];
  for await (const message of follower.getMessages()) {
    seen.push(message.body);
    await message.ack();
    if (seen.length === count) break;
  }
  return seen;
}

describe('publishing to a real broker', () => {
  it('stores a message id once, and tells where the first one is', async () => {
    await using test = await setUp();
    const ids = ['a', 'b', 'a', undefined, 'b', 'c'];
    const receipts = await Promise.all(
      ids.map((messageId, i) => test.publisher.sendMessage(i, messageId === undefined ? {} : { messageId })),
    );
    expect(receipts.map(({ streams }) => streams[0])).toEqual([
      { stream: 'q', sequence: 1 },
      { stream: 'q', sequence: 2 },
      { stream: 'q', sequence: 1, duplicate: true },
      { stream: 'q', sequence: 3 },
      { stream: 'q', sequence: 2, duplicate: true },
      { stream: 'q', sequence: 4 },
    ]);
    expect((await test.cursor.read('q')).map(({ body }) => body)).toEqual([0, 1, 3, 5]);
  });

  it('hands out what is more urgent first, and each priority in its order', async () => {
    await using test = await setUp();
    const priorities = ['low', 'normal', 'high', 'critical'] as const;
    const sent = Array.from({ length: 40 }, (_, i) => {
      const priority = priorities[i % 4]!;
      return test.publisher.sendMessage(`${priority} ${i}`, { priority });
    });
    await Promise.all(sent);
    const of = (level: number) =>
      Array.from({ length: 10 }, (_, i) => `${priorities[level]} ${i * 4 + level}`);
    expect(await bodies(test.follower, 40)).toEqual([...of(3), ...of(2), ...of(1), ...of(0)]);
  });

  it('delivers a delayed message when its time has come, and not before', async () => {
    await using test = await setUp();
    const begun = performance.now();
    const [delayed, dated] = await Promise.all([
      test.publisher.sendMessage('delayed', { delayMs: 150 }),
      test.publisher.sendMessage('dated', { deliverAt: new Date(Date.now() + 300) }),
      test.publisher.sendMessage('now'),
    ]);
    expect(delayed.streams[0]).toMatchObject({ sequence: 0, delayedId: expect.any(Number) });
    const waiting = await test.cursor.delayed('q');
    expect(waiting.map(({ id }) => id)).toContain(delayed.streams[0]!.delayedId);
    expect(waiting.map(({ id }) => id)).toContain(dated.streams[0]!.delayedId);
    expect(await test.cursor.streamInfo('q')).toMatchObject({ messages: 1, delayed: 2 });
    expect(await bodies(test.follower, 2)).toEqual(['now', 'delayed']);
    expect(performance.now() - begun).toBeGreaterThanOrEqual(145);
    expect(await bodies(test.follower, 1)).toEqual(['dated']);
  });

  it('never delivers what was cancelled', async () => {
    await using test = await setUp();
    const { streams } = await test.publisher.sendMessage('never', { delayMs: 100 });
    await test.publisher.sendMessage('later', { delayMs: 200 });
    expect(await test.cursor.cancelDelayed('q', [streams[0]!.delayedId!])).toBe(1);
    expect(await test.cursor.cancelDelayed('q', [streams[0]!.delayedId!])).toBe(0);
    expect(await bodies(test.follower, 1)).toEqual(['later']);
  });

  it('does not deliver what is past its ttlMs', async () => {
    await using test = await setUp();
    await test.publisher.sendMessage('short', { ttlMs: 1 });
    await new Promise((resolve) => setTimeout(resolve, 20));
    await test.publisher.sendMessage('long', { ttlMs: 60_000 });
    expect(await bodies(test.follower, 1)).toEqual(['long']);
  });

  it('stores each message once when more than 1,024 batches are unconfirmed, as a setting allows, and the connection is lost', async () => {
    const limits = { maxUnconfirmedBatches: 10_000 };
    await using broker = await startTestBroker({ limits, storage: { path: ':memory:' } });
    await using proxy = await FaultyProxy.start({ port: broker.port, host: broker.host });
    await using connection = new Connection({
      port: proxy.port,
      host: proxy.host,
      reconnect: { minDelayMs: 1, maxDelayMs: 5 },
    });
    const cursor = connection.cursor();
    await cursor.createStream('q');
    const publisher = new Publisher<number>(connection, new Bind('q'));
    proxy.stallOneWay('to the client');
    const sent = Array.from({ length: 3_000 }, (_, i) => publisher.sendMessages([i]));
    await using direct = new Connection({ port: broker.port, host: broker.host });
    while ((await direct.cursor().streamInfo('q')).messages < 3_000) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    proxy.cut();
    const sequences = (await Promise.all(sent)).map(([receipt]) => receipt!.streams[0]!.sequence);
    expect(sequences).toEqual(Array.from({ length: 3_000 }, (_, i) => i + 1));
    expect((await cursor.streamInfo('q')).messages).toBe(3_000);
  });

  it('sends and gets whatever is published where frames are as small as they may be', async () => {
    const limits = { maxMessageBytes: 60_000, maxFrameBytes: 65_536 };
    await using broker = await startTestBroker({ limits });
    await using connection = new Connection({ port: broker.port, host: broker.host });
    let lost = 0;
    connection.on('disconnected', () => lost++);
    await connection.cursor().createStream('q');
    const publisher = new Publisher<Buffer>(connection, new Bind('q'));
    const sizes = [60_000, ...new Array(6).fill(32_760), ...new Array(2_000).fill(50)];
    await publisher.sendMessages(sizes.map((bytes) => Buffer.alloc(bytes)));
    // As batches of their own, of one commit.
    await Promise.all(sizes.slice(1, 7).map((bytes) => publisher.sendMessages([Buffer.alloc(bytes)])));
    const seen: number[] = [];
    const follower = new Follower<Buffer>(connection, new Bind('q'), { prefetch: 10_000 });
    for await (const message of follower.getMessages()) {
      seen.push(message.body.length);
      if (seen.length === sizes.length + 6) break;
    }
    expect(lost).toBe(0);
    expect(seen).toEqual([...sizes, ...sizes.slice(1, 7)]);
  });
});

it('a publish that is under way settles when the broker comes back with less room in its frames', async () => {
  await using before = await FakeBroker.start();
  before.intercept = ({ opcode }) => opcode === Opcode.Publish;
  await using after = await startTestBroker({ limits: { maxMessageBytes: 100_000 } });
  await using proxy = await FaultyProxy.start({ port: before.port, host: 'localhost' });
  await using connection = new Connection({ port: proxy.port });
  const sent = new Publisher(connection, new Bind('q')).sendMessage(new Uint8Array(1_000_000));
  const told = expect(sent).rejects.toMatchObject({
    code: 'ConnectionLost',
    details: { limit: 'maxFrameBytes' },
  });
  await before.until(() => before.count(Opcode.Publish) === 1);
  proxy.target = { port: after.port };
  proxy.cut();
  await told;
});
