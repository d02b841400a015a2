import { Bind, Connection, Publisher } from '@simplemq/client';
import { startTestBroker, type TestBroker } from '@simplemq/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Outcome, shell, simplemq } from '../simplemq.ts';

let broker: TestBroker;
let connection: Connection;

beforeEach(async () => {
  broker = await startTestBroker();
  connection = new Connection({ port: broker.port });
  await connection.cursor().createStream('orders');
});

afterEach(async () => {
  await connection.close();
  await broker[Symbol.asyncDispose]();
});

function read(...args: string[]): Promise<Outcome> {
  return simplemq(['read', ...args, '--port', String(broker.port)]);
}

test('read writes every message, a line each, and consumes none', async () => {
  await new Publisher(connection, new Bind('orders')).sendMessages(['one', { two: 2n }, Buffer.from([0xff])]);
  const expected = Buffer.concat([Buffer.from('one\n{"two":{"$bigint":"2"}}\n'), Buffer.from([0xff, 0x0a])]);
  const { code, stderr, output } = await read('orders');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(output).toEqual(expected);
  expect((await read('orders')).output).toEqual(expected);
  expect(await connection.cursor().streamInfo('orders')).toMatchObject({ messages: 3, groups: [] });
});

test('read begins and ends where it is told', async () => {
  await new Publisher(connection, new Bind('orders')).sendMessages(['one', 'two', 'three', 'four']);
  expect((await read('orders', '--from', '2', '--limit', '2')).stdout).toBe('two\nthree\n');
  expect((await read('orders', '--from', '1h')).stdout).toBe('one\ntwo\nthree\nfour\n');
  expect((await read('orders', '--from', 'first', '--limit', '1')).stdout).toBe('one\n');
  expect(await read('orders', '--from', '99')).toMatchObject({ code: 0, stdout: '', stderr: '' });
  expect(await read('orders', '--from', '2999-01-01')).toMatchObject({ code: 0, stdout: '' });
});

test('read --json writes all of a message', async () => {
  const publisher = new Publisher(connection, new Bind('orders'));
  await publisher.sendMessage({ id: 7 }, { headers: { kind: 'test' }, key: 'k1', priority: 'high' });
  const { stdout } = await read('orders', '--json');
  expect(JSON.parse(stdout)).toEqual({
    stream: 'orders',
    sequence: 1,
    timestamp: expect.stringMatching(/^\d{4}-.*Z$/),
    headers: { kind: 'test' },
    key: 'k1',
    priority: 'high',
    body: { id: 7 },
  });
});

test('a reader that goes, as head does, ends it quietly', async () => {
  const bodies = Array.from({ length: 20_000 }, (_, n) => `message ${n} ${'x'.repeat(100)}`);
  await new Publisher(connection, new Bind('orders')).sendMessages(bodies);
  const line = `{ simplemq read orders --port ${broker.port}; echo "code $?" >&2; } | head -n 1`;
  expect(await shell(line)).toMatchObject({ stdout: `${bodies[0]}\n`, stderr: 'code 0\n' });
  expect((await read('orders')).stdout).toBe(`${bodies.join('\n')}\n`);
});

test('a stream that is not there, or a place that is none, is one line', async () => {
  const missing = await read('nothing');
  expect(missing).toMatchObject({ code: 1, stdout: '' });
  expect(missing.stderr).toMatch(/^simplemq: StreamNotFound: .*nothing.*\n$/);
  const place = await read('orders', '--from', 'new');
  expect(place.code).toBe(1);
  expect(place.stderr).toMatch(
    /^simplemq: option '--from <place>' .* must be first, a sequence number, .*\n$/,
  );
});
