import { once } from 'node:events';
import { decodeNack, type Nack, Opcode } from '@simplemq/protocol';
import { describe, expect, it } from 'vitest';
import { Bind, Connection, Follower, Publisher, type RunOptions } from '../../src/index.ts';
import { FakeBroker } from '../fake-broker.ts';

async function setUp(count: number) {
  const broker = await FakeBroker.start();
  broker.streams.set('q', []);
  const connection = new Connection({ port: broker.port, reconnect: { minDelayMs: 1, maxDelayMs: 5 } });
  const publisher = new Publisher<number>(connection, new Bind('q'));
  if (count > 0) await publisher.sendMessages(Array.from({ length: count }, (_, i) => i + 1));
  return {
    broker,
    connection,
    follower: new Follower<number>(connection, new Bind('q')),
    async [Symbol.asyncDispose]() {
      await connection.close();
      await broker.close();
    },
  };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** The nacks of a handler that throws until the last of so many attempts. */
async function nacksOf(
  { follower, broker }: { follower: Follower<number>; broker: FakeBroker },
  attempts: number,
  options: RunOptions<number>,
): Promise<Nack[]> {
  const abort = new AbortController();
  await follower.run(
    (message) => {
      if (message.attempt < attempts) throw new Error(`attempt ${message.attempt}`);
      abort.abort();
    },
    { ...options, signal: abort.signal },
  );
  const nacks = broker.frames.filter(({ opcode }) => opcode === Opcode.Nack);
  return nacks.map(({ payload }) => decodeNack(payload));
}

describe('run', () => {
  it('acks what the handler returned from, in plain and in async handlers', async () => {
    await using test = await setUp(200);
    const abort = new AbortController();
    let handled = 0;
    await test.follower.run(
      (message) => {
        if (++handled === 200) abort.abort();
        return message.body % 2 === 0 ? Promise.resolve() : undefined;
      },
      { signal: abort.signal },
    );
    expect(handled).toBe(200);
    expect(test.broker.leftOf('q')).toBe(0);
    expect(test.broker.followers.size).toBe(0);
  });

  it('handles as many at the same time as it is told, and no more', async () => {
    await using test = await setUp(40);
    const abort = new AbortController();
    let active = 0;
    let most = 0;
    let handled = 0;
    await test.follower.run(
      async () => {
        most = Math.max(most, ++active);
        await new Promise((resolve) => setTimeout(resolve, 2));
        active--;
        if (++handled === 40) abort.abort();
      },
      { concurrency: 5, signal: abort.signal },
    );
    expect(most).toBe(5);
    expect(test.broker.leftOf('q')).toBe(0);
  });

  it('nacks what the handler threw at with the reason, and leaves the delay to the group', async () => {
    await using test = await setUp(1);
    const told: unknown[] = [];
    const nacks = await nacksOf(test, 4, {
      onError: (error, message) => told.push([error, message.attempt]),
    });
    expect(nacks.map(({ reason }) => reason)).toEqual(['attempt 1', 'attempt 2', 'attempt 3']);
    expect(nacks.map(({ delayMs }) => delayMs)).toEqual([undefined, undefined, undefined]);
    expect(told).toEqual([1, 2, 3].map((attempt) => [new Error(`attempt ${attempt}`), attempt]));
    expect(test.broker.leftOf('q')).toBe(0);
  });

  it('nacks with a backoff of its own where it is given one', async () => {
    await using test = await setUp(1);
    const backoff = { delayMs: 10, factor: 3, maxDelayMs: 50, jitter: 0 };
    expect((await nacksOf(test, 5, { backoff })).map(({ delayMs }) => delayMs)).toEqual([10, 30, 50, 50]);
  });

  it('nacks with what a function makes of attempt and error', async () => {
    await using test = await setUp(1);
    const backoff = (attempt: number, error: unknown) =>
      (error as Error).message === 'attempt 3' ? Number.NaN : attempt * 1.5;
    expect((await nacksOf(test, 4, { backoff })).map(({ delayMs }) => delayMs)).toEqual([2, 3, 0]);
  });

  it('refuses a backoff that is none', async () => {
    await using test = await setUp(0);
    for (const backoff of [{ factor: 0.5 }, { jitter: 2 }, { delayMs: -1 }, { maxDelayMs: Number.NaN }]) {
      await expect(test.follower.run(() => undefined, { backoff })).rejects.toMatchObject({
        code: 'InvalidOption',
      });
    }
  });

  it('refuses a time limit that would be over at once', async () => {
    await using test = await setUp(0);
    for (const timeoutMs of [0, Number.NaN]) {
      await expect(test.follower.run(() => undefined, { timeoutMs })).rejects.toMatchObject({
        code: 'InvalidOption',
        details: { option: 'timeoutMs' },
      });
    }
  });

  it('gives up a handler whose time is over: aborts its signal, nacks, and takes the next message', async () => {
    await using test = await setUp(2);
    const abort = new AbortController();
    const late = Promise.withResolvers<void>();
    const errors: unknown[] = [];
    const reasons: unknown[] = [];
    await test.follower.run(
      async (message) => {
        if (message.body === 1 && message.attempt === 1) {
          await once(message.signal, 'abort');
          reasons.push(message.signal.reason);
          await late.promise;
          throw new Error('too late to count');
        }
        if (message.body === 1) {
          late.resolve();
          await turn();
          abort.abort();
        }
      },
      { signal: abort.signal, timeoutMs: 20, onError: (error) => errors.push(error) },
    );
    expect(reasons).toMatchObject([{ code: 'RequestTimeout', details: { limit: 'timeoutMs', value: 20 } }]);
    expect(errors).toEqual(reasons);
    const nacks = test.broker.frames.filter(({ opcode }) => opcode === Opcode.Nack);
    expect(nacks.map(({ payload }) => decodeNack(payload).reason)).toEqual([
      'the handler of q 1 took longer than 20 ms (timeoutMs)',
    ]);
    expect(test.broker.leftOf('q')).toBe(0);
  });

  it('puts something around each handler', async () => {
    await using test = await setUp(3);
    const abort = new AbortController();
    const steps: string[] = [];
    const errors: unknown[] = [];
    let handled = 0;
    await test.follower.run(
      (message) => {
        steps.push(`handle ${message.body} ${message.attempt}`);
        if (message.body === 2 && message.attempt === 1) throw new Error('no');
        if (++handled === 3) abort.abort();
      },
      {
        signal: abort.signal,
        around: async (message, next) => {
          steps.push(`begin ${message.body}`);
          try {
            return await next();
          } finally {
            steps.push(`end ${message.body}`);
          }
        },
        onError: (error) => errors.push(error),
      },
    );
    expect(steps.slice(0, 6)).toEqual(['begin 1', 'handle 1 1', 'end 1', 'begin 2', 'handle 2 1', 'end 2']);
    expect(steps).toContain('handle 2 2');
    expect(errors).toEqual([new Error('no')]);
    expect(test.broker.leftOf('q')).toBe(0);
  });

  it('drains on SIGTERM: finishes what is in hand, gives back the rest, and removes its listener', async () => {
    await using test = await setUp(10);
    const listeners = process.listenerCount('SIGTERM');
    let aborted = false;
    await test.follower.run(async (message) => {
      message.signal.addEventListener('abort', () => {
        aborted = true;
      });
      expect(process.listenerCount('SIGTERM')).toBe(listeners + 1);
      process.emit('SIGTERM');
      await new Promise((resolve) => setImmediate(resolve));
    });
    expect(aborted).toBe(true);
    expect(test.broker.leftOf('q')).toBe(9);
    expect(test.broker.pendingOf('q')).toBe(0);
    expect(process.listenerCount('SIGTERM')).toBe(listeners);
  });

  it('rejects when following is refused', async () => {
    await using test = await setUp(0);
    const follower = new Follower(test.connection, new Bind('missing'));
    await expect(follower.run(() => undefined)).rejects.toMatchObject({ code: 'StreamNotFound' });
  });

  it('goes on over a reconnect', async () => {
    await using test = await setUp(100);
    const abort = new AbortController();
    const handled = new Set<number>();
    let drops = 0;
    await test.follower.run(
      async (message) => {
        if (message.body % 25 === 0 && message.attempt === 1 && drops < 4) {
          drops++;
          test.broker.drop();
          await new Promise((resolve) => message.signal.addEventListener('abort', resolve));
          return;
        }
        handled.add(message.body);
        if (handled.size === 100) abort.abort();
      },
      { signal: abort.signal, concurrency: 3 },
    );
    expect(handled.size).toBe(100);
    expect(test.broker.pendingOf('q')).toBe(0);
  });
});
