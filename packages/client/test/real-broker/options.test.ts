import { once } from 'node:events';
import { startTestBroker } from '@simplemq/testkit';
import { expect, it } from 'vitest';
import { Bind, Connection, Follower, type FollowerOptions, Publisher } from '../../src/index.ts';

async function setUp() {
  const broker = await startTestBroker();
  const connection = new Connection({ host: broker.host, port: broker.port });
  const cursor = connection.cursor();
  await cursor.createStream('q');
  await cursor.createGroup('q', 'mail');
  const lost: string[] = [];
  connection.on('disconnected', ({ message }) => lost.push(message));
  return {
    connection,
    cursor,
    lost,
    async [Symbol.asyncDispose]() {
      await connection.close();
      await broker[Symbol.asyncDispose]();
    },
  };
}

function aborted(signal: AbortSignal): Promise<unknown> {
  return signal.aborted ? Promise.resolve() : once(signal, 'abort');
}

it('options that the protocol cannot carry are InvalidOption, by name, and the connection stays', async () => {
  await using test = await setUp();
  const { cursor } = test;
  const text = '5' as unknown as number;
  const refused: [string, Promise<unknown>][] = [
    ['maxBytes', cursor.createStream('r', { maxBytes: 0.1 * 2 ** 30 })],
    ['maxAgeMs', cursor.createStream('r', { maxAgeMs: Number.NaN })],
    ['maxMessages', cursor.updateStream('q', { maxMessages: -1 })],
    ['expireAfterMs', cursor.updateStream('q', { expireAfterMs: text })],
    ['retry.delayMs', cursor.createGroup('q', 'g', { retry: { delayMs: 0.5 } })],
    ['retry.jitter', cursor.createGroup('q', 'g', { retry: { jitter: Number.NaN } })],
    ['ratePerSecond', cursor.updateGroup('q', 'mail', { ratePerSecond: Number.POSITIVE_INFINITY })],
    ['keyConcurrency', cursor.updateGroup('q', 'mail', { keyConcurrency: 1.5 })],
    ['startFrom.time', cursor.resetGroup('q', 'mail', { time: 1.5 })],
    ['startFrom.sequence', cursor.resetGroup('q', 'mail', { sequence: -1 })],
    ['idleMs', cursor.pending('q', { idleMs: 0.5 })],
    ['limit', cursor.pending('q', { limit: 2.5 })],
    ['follower', cursor.pending('q', { follower: -1 })],
    ['limit', cursor.read('q', { limit: 2.5 })],
    ['from.time', cursor.read('q', { from: { time: new Date('never') } })],
    ['time', cursor.purgeStream('q', { time: 0.5 })],
    ['limit', cursor.delayed('q', { limit: 0.5 })],
    ['ids', cursor.cancelDelayed('q', [1, 1.5])],
    ['since', cursor.deadLetters('q', { since: 0.5 })],
    ['sequences', cursor.redrive('q', { sequences: [1.5] })],
    ['pageSize', cursor.deleteDeadLetters('q', { pageSize: 0.5 })],
  ];
  const outcomes = await Promise.allSettled(refused.map(([, promise]) => promise));
  for (const [i, [option]] of refused.entries()) {
    const error = (outcomes[i] as PromiseRejectedResult).reason;
    expect(error, option).toMatchObject({ code: 'InvalidOption', details: { option } });
    expect(error.message).toMatch(/it must be .* not /);
  }
  for (const options of [{ retry: { maxDelayMs: 0.5 } }, { yieldEvery: Number.NaN }] as FollowerOptions[]) {
    expect(() => new Follower(test.connection, new Bind('q'), options)).toThrow(
      expect.objectContaining({ code: 'InvalidOption' }),
    );
  }
  expect(await cursor.streamInfo('q')).toMatchObject({ name: 'q' });
  expect(test.lost).toEqual([]);
});

it('a nack with a delay that is computed does not cost the connection, or other messages an attempt', async () => {
  await using test = await setUp();
  const delays = [22.5, Number.NaN, -1];
  await new Publisher<string>(test.connection, new Bind('q')).sendMessages(['bad', 'innocent']);
  const stop = new AbortController();
  const seen: [string, number][] = [];
  await new Follower<string>(test.connection, new Bind('q')).run(
    async (message) => {
      seen.push([message.body, message.attempt]);
      if (message.body === 'innocent') await aborted(AbortSignal.any([message.signal, stop.signal]));
      else if (message.attempt <= 3) await message.nack({ delayMs: delays[message.attempt - 1]! });
      else stop.abort();
    },
    { concurrency: 2, signal: stop.signal },
  );
  expect(seen).toEqual([
    ['bad', 1],
    ['innocent', 1],
    ['bad', 2],
    ['bad', 3],
    ['bad', 4],
  ]);
  expect(test.lost).toEqual([]);
});
