import { Bind, Connection, Publisher } from '@simplemq/client';
import { startTestBroker, type TestBroker } from '@simplemq/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Outcome, simplemq } from '../simplemq.ts';

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

function run(...args: string[]): Promise<Outcome> {
  return simplemq([...args, '--port', String(broker.port)]);
}

test('delayed lists what enters the stream later, by ids as cancel takes them', async () => {
  expect((await run('delayed', 'orders')).stdout).toBe('nothing is delayed in orders\n');
  const publisher = new Publisher(connection, new Bind('orders'));
  await publisher.sendMessages(['one', 'two', 'three'], { delayMs: 7_200_000 });
  await publisher.sendMessage('four', { deliverAt: new Date('2999-01-01T00:00:00Z') });
  const { code, stdout } = await run('delayed', 'orders');
  expect(code).toBe(0);
  const [head, three, one] = stdout.split('\n');
  expect(head).toMatch(/^ *IDS +MESSAGES +SIZE +DUE +AT$/);
  expect(three).toMatch(/^ *1-3 +3 +\d+ B +in 1 h 59 min +\S+Z$/);
  expect(one).toMatch(/^ *4 +1 +\d+ B +in \d+ d.* +2999-01-01T00:00:00\.000Z$/);
  expect((await run('delayed', 'list', 'orders', '--limit', '1')).stdout).toMatch(
    /\n\nthere are more than these 1; --limit shows more\n$/,
  );
  expect(JSON.parse((await run('delayed', 'orders', '--json')).stdout)).toEqual([
    { id: 1, messages: 3, bytes: expect.any(Number), deliverAt: expect.stringMatching(/Z$/) },
    { id: 4, messages: 1, bytes: expect.any(Number), deliverAt: '2999-01-01T00:00:00.000Z' },
  ]);
  expect((await run('info', 'orders')).stdout).toMatch(/^delayed +4$/m);
});

test('cancel takes ids and ranges; what was not there ends it with 1', async () => {
  const publisher = new Publisher(connection, new Bind('orders'));
  await publisher.sendMessages(['one', 'two', 'three', 'four'], { delayMs: 3_600_000 });
  expect(await run('delayed', 'cancel', 'orders', '1', '3-4')).toMatchObject({
    code: 0,
    stdout: 'cancelled 3 messages of orders\n',
  });
  const partly = await run('delayed', 'cancel', 'orders', '2-3');
  expect(partly).toMatchObject({ code: 1, stdout: '' });
  expect(partly.stderr).toMatch(/^simplemq: 1 of 2 messages cancelled: .*\n$/);
  const none = await run('delayed', 'cancel', 'orders', '2', '--json');
  expect(none.code).toBe(1);
  expect(JSON.parse(none.stdout)).toEqual({ stream: 'orders', messages: 0 });
  expect((await connection.cursor().streamInfo('orders')).delayed).toBe(0);
});

test.each([
  [['nothing'], /StreamNotFound: .*nothing/],
  [['cancel', 'nothing', '1'], /StreamNotFound: .*nothing/],
  [['cancel', 'orders'], /missing required argument 'id'/],
  [['cancel', 'orders', 'all'], /'all' is invalid for argument 'id'\. It must be a number, or a range/],
])('delayed %j is one line', async (args, expected) => {
  const { code, stdout, stderr } = await run('delayed', ...args);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(/^simplemq: .*\n$/);
  expect(stderr).toMatch(expected);
});
