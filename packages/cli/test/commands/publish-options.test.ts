import { Connection } from '@simplemq/client';
import { startTestBroker, type TestBroker } from '@simplemq/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Outcome, type RunOptions, simplemq } from '../simplemq.ts';

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

function publish(args: readonly string[], options?: RunOptions): Promise<Outcome> {
  return simplemq(['publish', 'orders', ...args, '--port', String(broker.port)], options);
}

test('headers, key and priority go with every message', async () => {
  const flags = ['--header', 'kind=test', '--header', 'query=a=b', '--key', 'k1', '--priority', 'critical'];
  expect(await publish(flags, { input: 'one\ntwo\n' })).toMatchObject({ code: 0 });
  const messages = await connection.cursor().read('orders');
  for (const message of messages) {
    expect(message.headers).toEqual({ kind: 'test', query: 'a=b' });
    expect(message).toMatchObject({ key: 'k1', priority: 'critical' });
  }
  expect(messages.map(({ body }) => body)).toEqual(['one', 'two']);
});

test('what is delayed is told with its ids, and enters the stream later', async () => {
  const delayed = await publish(['--delay', '2h'], { input: 'one\ntwo\n' });
  expect(delayed.stderr).toMatch(/^2 messages confirmed \(fsync\) in .*: orders \(2 delayed: ids 1-2\)\n$/);
  const at = await publish(['--message', 'three', '--deliver-at', '2999-01-01T00:00:00Z']);
  expect(at.stderr).toMatch(/: orders \(1 delayed: id 3\)\n$/);
  expect(await connection.cursor().streamInfo('orders')).toMatchObject({ messages: 0, delayed: 3 });
  const json = await publish(['--message', 'four', '--delay', '1h', '--json']);
  expect(JSON.parse(json.stdout).streams).toEqual([
    {
      stream: 'orders',
      messages: 1,
      firstSequence: null,
      lastSequence: null,
      duplicates: 0,
      delayed: 1,
      firstDelayedId: 4,
      lastDelayedId: 4,
    },
  ]);
});

test('a message past its ttl is delivered to nobody', async () => {
  await publish(['--message', 'late', '--ttl', '1ms']);
  await publish(['--message', 'in time', '--ttl', '10m']);
  const args = ['follow', 'orders', '--count', '1', '--port', String(broker.port)];
  expect((await simplemq(args)).stdout).toBe('in time\n');
});

test('a message of one id is stored once, and the second time told as a duplicate', async () => {
  const args = ['--message', 'one', '--message-id', 'order-1'];
  expect((await publish(args)).stderr).toMatch(/: orders 1\n$/);
  const again = await publish(args);
  expect(again.code).toBe(0);
  expect(again.stderr).toMatch(/^1 message confirmed \(fsync\) in .*: orders \(1 duplicate\)\n$/);
  expect(await connection.cursor().streamInfo('orders')).toMatchObject({ messages: 1 });
});

test('ids and keys come from fields of JSON lines, so that an import can be repeated', async () => {
  const flags = ['--json-lines', '--message-id-from', 'id', '--key-from', 'customer'];
  const input = '{"id":1,"customer":"ann"}\n{"id":"b","customer":"bob"}\n';
  expect((await publish(flags, { input })).stderr).toMatch(/: orders 1 to 2\n$/);
  const more = `${input}{"id":3,"customer":"cem"}\n`;
  expect((await publish(flags, { input: more })).stderr).toMatch(/: orders 3 \(2 duplicates\)\n$/);
  const messages = await connection.cursor().read('orders');
  expect(messages.map(({ key }) => key)).toEqual(['ann', 'bob', 'cem']);
});

test('a line without the field ends it with its number; what came before is confirmed', async () => {
  const input = '{"id":1}\n{"id":null}\n{"id":3}\n';
  const outcome = await publish(['--json-lines', '--message-id-from', 'id'], { input });
  expect(outcome.code).toBe(1);
  expect(outcome.stderr).toBe(
    "simplemq: line 2 has no field 'id' that is text or a number; 1 of 1 message confirmed\n",
  );
});

test.each([
  [['--priority', 'urgent'], /Allowed choices are low, normal, high, critical/],
  [['--header', '=x'], /It must be name=value/],
  [['--delay', 'soon'], /It must be a time span, as 30s/],
  [['--deliver-at', '2h'], /It must be a time, as 2026-05-01T08:30:00Z/],
  [['--ttl', '0'], /It must be a time span of at least 1 ms/],
  [['--delay', '1s', '--deliver-at', '2999-01-01'], /cannot be used with/],
  [['--key', 'a', '--key-from', 'b', '--json-lines'], /cannot be used with/],
  [['--message-id', 'x'], /--message-id goes with --message/],
  [['--message-id-from', 'id'], /--message-id-from needs --json-lines/],
  [['--key-from', 'id', '--message', 'x'], /--key-from needs --json-lines/],
])('publish %j is one line, and needs no broker', async (args, expected) => {
  const { code, stdout, stderr } = await simplemq(['publish', 'orders', ...args]);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(/^simplemq: .*\n$/);
  expect(stderr).toMatch(expected);
});
