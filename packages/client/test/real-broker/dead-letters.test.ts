import { startTestBroker } from '@simplemq/testkit';
import { describe, expect, it } from 'vitest';
import { Bind, Connection, defineStream, Follower, Publisher } from '../../src/index.ts';
import { orderSchema } from '../schema/schemas.ts';

async function setUp() {
  const broker = await startTestBroker();
  const connection = new Connection({ port: broker.port, host: broker.host });
  await connection.cursor().createStream('q');
  return {
    connection,
    cursor: connection.cursor(),
    publisher: new Publisher<unknown>(connection, new Bind('q')),
    async [Symbol.asyncDispose]() {
      await connection.close();
      await broker[Symbol.asyncDispose]();
    },
  };
}

const retry = { maxDeliveries: 3, delayMs: 1, maxDelayMs: 5 };

describe('dead letters of a real broker', () => {
  it('hold what failed too often, with how it did, and what is redriven is handled again', async () => {
    await using test = await setUp();
    await test.publisher.sendMessages([1, 2, 3, 4], { headers: { source: 'test' } });
    const follower = new Follower<number>(test.connection, new Bind('q'), { retry });
    let failing = true;
    const handled: number[] = [];
    const run = async (until: () => Promise<boolean>): Promise<void> => {
      const abort = new AbortController();
      const running = follower.run(
        (message) => {
          if (failing && message.body % 2 === 0) throw new Error(`no ${message.body}`);
          handled.push(message.body);
        },
        { signal: abort.signal },
      );
      while (!(await until())) await new Promise((resolve) => setTimeout(resolve, 5));
      abort.abort();
      await running;
    };
    await run(async () => (await test.cursor.deadLetters('q')).length === 2);
    const letters = await test.cursor.deadLetters<number>('q', { error: 'NO 4' });
    expect(letters).toHaveLength(1);
    expect(letters[0]).toMatchObject({
      body: 4,
      headers: { source: 'test' },
      group: 'workers',
      originalStream: 'q',
      originalSequence: 4,
      cause: 'maxDeliveries',
      error: 'no 4',
    });
    expect(letters[0]!.diedAt.getTime()).toBeGreaterThanOrEqual(letters[0]!.publishedAt.getTime());
    expect(letters[0]!.attempts.map(({ attempt, cause, error }) => [attempt, cause, error])).toEqual([
      [1, 'nack', 'no 4'],
      [2, 'nack', 'no 4'],
      [3, 'nack', 'no 4'],
    ]);
    expect(await test.cursor.deleteDeadLetters('q', { sequences: [letters[0]!.sequence] })).toBe(1);
    const told: object[] = [];
    expect(await test.cursor.redrive('q', { onProgress: (progress) => told.push(progress) })).toBe(1);
    expect(told.at(-1)).toMatchObject({ moved: 1 });
    failing = false;
    await run(async () => handled.length === 3);
    expect(handled.sort()).toEqual([1, 2, 3]);
    expect(await test.cursor.deadLetters('q')).toEqual([]);
  });

  it('hold what a schema does not find valid', async () => {
    await using test = await setUp();
    await test.publisher.sendMessages([{ id: 'x' }, { id: 2, placed: '2026-01-02' }]);
    const messages = defineStream('q', { schema: orderSchema }).follower(test.connection).getMessages();
    const { value } = await messages.next();
    expect(value!.body.placed).toEqual(new Date('2026-01-02'));
    await value!.ack();
    await messages.return!();
    expect(await test.cursor.deadLetters('q')).toMatchObject([
      { cause: 'rejected', error: 'id: must be a number; placed: must be a string', originalSequence: 1 },
    ]);
  });

  it('are none of a stream in which nothing died, and StreamNotFound of one that is not there', async () => {
    await using test = await setUp();
    expect(await test.cursor.deadLetters('q')).toEqual([]);
    expect(await test.cursor.redrive('q')).toBe(0);
    expect(await test.cursor.deleteDeadLetters('q')).toBe(0);
    await expect(test.cursor.deadLetters('missing')).rejects.toMatchObject({ code: 'StreamNotFound' });
    await expect(test.cursor.redrive('missing')).rejects.toMatchObject({ code: 'StreamNotFound' });
  });

  it('are listed and redriven to the last that was asked for, also when a page has no room for them', async () => {
    await using test = await setUp();
    const body = 'x'.repeat(1024 * 1024);
    for (let i = 1; i <= 10; i++) await test.publisher.sendMessage(`${i} ${body}`);
    const follower = new Follower<string>(test.connection, new Bind('q'));
    let left = 10;
    for await (const message of follower.getMessages()) {
      await message.reject();
      if (--left === 0) break;
    }
    const listed = await test.cursor.deadLetters<string>('q', { limit: 9 });
    expect(listed.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const moved: number[] = [];
    expect(await test.cursor.redrive('q', { onProgress: (progress) => moved.push(progress.moved) })).toBe(10);
    expect(moved).toEqual([8, 10]);
  });
});
