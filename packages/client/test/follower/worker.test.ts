import { decodeNack, Opcode } from '@simplemq/protocol';
import { describe, expect, it } from 'vitest';
import { Bind, Connection, Follower, Publisher } from '../../src/index.ts';
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

  it('nacks what the handler threw at, with growing delays and the reason', async () => {
    await using test = await setUp(1);
    const abort = new AbortController();
    await test.follower.run(
      (message) => {
        if (message.attempt < 4) throw new Error(`attempt ${message.attempt}`);
        abort.abort();
      },
      { signal: abort.signal },
    );
    const nacks = test.broker.frames
      .filter(({ opcode }) => opcode === Opcode.Nack)
      .map(({ payload }) => decodeNack(payload));
    expect(nacks.map(({ reason }) => reason)).toEqual(['attempt 1', 'attempt 2', 'attempt 3']);
    for (const [i, { delayMs }] of nacks.entries()) {
      expect(delayMs).toBeGreaterThanOrEqual(50 * 2 ** i);
      expect(delayMs).toBeLessThanOrEqual(100 * 2 ** i);
    }
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
