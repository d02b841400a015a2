import { Bind, Connection, Follower, Publisher } from '@simplemq/client';
import { startTestBroker, type TestBroker } from '@simplemq/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { eventually, type Outcome, simplemq } from '../simplemq.ts';

let broker: TestBroker;
let connection: Connection;

beforeEach(async () => {
  broker = await startTestBroker();
  connection = new Connection({ port: broker.port });
  await connection.cursor().createStream('orders', { retention: 'log' });
});

afterEach(async () => {
  await connection.close();
  await broker[Symbol.asyncDispose]();
});

function run(...args: string[]): Promise<Outcome> {
  return simplemq([...args, '--port', String(broker.port)]);
}

/** Publishes `bodies` in order, and has `group` reject each for the reason that stands beside it. */
async function reject(group: string, bodies: readonly (readonly [body: unknown, reason: string])[]) {
  const publisher = new Publisher(connection, new Bind('orders'));
  await connection.cursor().createGroup('orders', group, { startFrom: 'new' });
  for (const [index, [body]] of bodies.entries()) {
    await publisher.sendMessage(body, { headers: { region: index % 2 === 0 ? 'eu' : 'us' }, key: 'k1' });
  }
  const reasons = bodies.map(([, reason]) => reason);
  for await (const message of new Follower(connection, new Bind('orders'), { group }).getMessages()) {
    await message.reject(reasons.shift());
    if (reasons.length === 0) break;
  }
}

const THREE = [
  ['one', 'the price is missing'],
  [{ id: 2n }, 'it timed out\n  at one\n  at two'],
  ['three \u001b[31m', 'the price is negative'],
] as const;

function letters(): Promise<{ sequence: number }[]> {
  return connection.cursor().deadLetters('orders');
}

test('dead lists what died, and why, in one line each', async () => {
  expect((await run('dead', 'orders')).stdout).toBe('orders has no dead letters\n');
  await reject('billing', THREE);
  const { code, stdout } = await run('dead', 'orders');
  expect(code).toBe(0);
  const [head, first, second, third, end] = stdout.split('\n');
  expect(head).toMatch(/^SEQUENCE +GROUP +ORIGINAL +DIED +CAUSE +ATTEMPTS +LAST ERROR$/);
  expect(first).toMatch(/^ +1 +billing +1 +\d.* ago +rejected +1 +the price is missing$/);
  expect(second).toMatch(/^ +2 +billing +2 +\d.* ago +rejected +1 +it timed out …$/);
  expect(third).toMatch(/^ +3 +billing +3 +\d.* ago +rejected +1 +the price is negative$/);
  expect(end).toBe('');
  expect((await run('dead', 'list', 'orders', '--limit', '2')).stdout).toMatch(
    /\n +2 .*\n\nthere are more than these 2; --limit shows more\n$/,
  );
});

test('dead filters by group, time, error and headers, all of which must apply', async () => {
  await reject('billing', THREE);
  await reject('audit', [['four', 'PRICE unknown']]);
  const found = async (...flags: string[]) => {
    const { stdout } = await run('dead', 'orders', '--json', ...flags);
    return (JSON.parse(stdout) as { sequence: number }[]).map(({ sequence }) => sequence);
  };
  expect(await found()).toEqual([1, 2, 3, 4]);
  expect(await found('--group', 'audit')).toEqual([4]);
  expect(await found('--error', 'Price')).toEqual([1, 3, 4]);
  expect(await found('--header', 'region=eu')).toEqual([1, 3, 4]);
  expect(await found('--group', 'billing', '--error', 'price', '--since', '1h')).toEqual([1, 3]);
  expect(await found('--until', '1h')).toEqual([]);
  expect((await run('dead', 'orders', '--group', 'nobody')).stdout).toBe(
    'no dead letter of orders matches\n',
  );
});

test('dead show tells all of one: how it died, each attempt, and its payload', async () => {
  await reject('billing', THREE);
  const { code, stdout } = await run('dead', 'show', 'orders', '2');
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /^dead letter +2\nstream +orders\ngroup +billing\noriginal +2\npublished +\S+Z \(.+ ago\)\ndied +\S+Z \(.+ ago\)\ncause +rejected\nlast error +it timed out\n +at one\n +at two\npriority +normal\nkey +k1\nheader +region=us\n/,
  );
  expect(stdout).toMatch(/\nATTEMPT +FAILED AT +CAUSE +ERROR\n +1 +\S+Z +rejected +it timed out …\n/);
  expect(stdout).toMatch(/\npayload \(object\)\n\{\n {2}"id": \{\n {4}"\$bigint": "2"\n {2}\}\n\}\n$/);
  const unsafe = await run('dead', 'show', 'orders', '3');
  expect(unsafe.stdout).toMatch(/\npayload \(string\)\nthree \\x1b\[31m\n$/);
  expect(JSON.parse((await run('dead', 'show', 'orders', '2', '--json')).stdout)).toEqual({
    stream: '$dead.orders',
    sequence: 2,
    timestamp: expect.stringMatching(/Z$/),
    headers: { region: 'us' },
    key: 'k1',
    priority: 'normal',
    body: { id: { $bigint: '2' } },
    group: 'billing',
    originalStream: 'orders',
    originalSequence: 2,
    publishedAt: expect.stringMatching(/Z$/),
    diedAt: expect.stringMatching(/Z$/),
    cause: 'rejected',
    error: 'it timed out\n  at one\n  at two',
    attempts: [
      {
        attempt: 1,
        at: expect.stringMatching(/Z$/),
        cause: 'rejected',
        error: 'it timed out\n  at one\n  at two',
      },
    ],
  });
});

test('what died after its last delivery has its attempts in a table', async () => {
  const retry = { maxDeliveries: 2, delayMs: 0 };
  const follower = new Follower(connection, new Bind('orders'), { retry });
  await new Publisher(connection, new Bind('orders')).sendMessage('never right');
  for await (const message of follower.getMessages()) {
    await message.nack({ reason: `wrong in attempt ${message.attempt}` });
    if (message.attempt === 2) break;
  }
  await eventually(async () => expect(await letters()).toHaveLength(1));
  const { stdout } = await run('dead', 'show', 'orders', '1');
  expect(stdout).toMatch(/\ncause +max deliveries\n/);
  expect(stdout).toMatch(/\n +1 +\S+Z +nack +wrong in attempt 1\n/);
});

test('redrive puts those back that it is told, for the group in which they died', async () => {
  await reject('billing', THREE);
  await connection.cursor().createGroup('orders', 'audit', { startFrom: 'new' });
  expect(await run('redrive', 'orders', '--error', 'timed out')).toMatchObject({
    code: 0,
    stdout: 'put 1 dead letter back into orders\n',
    stderr: '',
  });
  expect(await letters()).toMatchObject([{ sequence: 1 }, { sequence: 3 }]);
  expect(JSON.parse((await run('redrive', 'orders', '1', '3-9', '--json')).stdout)).toEqual({
    stream: 'orders',
    messages: 2,
  });
  expect((await run('redrive', 'orders', '--all')).stdout).toBe('orders has no dead letters\n');
  expect((await run('redrive', 'orders', '7')).stdout).toBe('no dead letter of orders matches\n');
  const back = await run('follow', 'orders', '--group', 'billing', '--count', '3', '--json');
  const messages = back.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(messages.map(({ attempt, body }) => [attempt, body])).toEqual([
    [1, { id: { $bigint: '2' } }],
    [1, 'one'],
    [1, 'three \u001b[31m'],
  ]);
  expect(await connection.cursor().groupInfo('orders', 'audit')).toMatchObject({
    pending: 0,
    deadLettered: 0,
  });
});

test('dead delete removes those that it is told, for good', async () => {
  await reject('billing', THREE);
  expect(await run('dead', 'delete', 'orders', '2', '3')).toMatchObject({
    code: 0,
    stdout: 'deleted 2 dead letters of orders\n',
  });
  expect(await letters()).toMatchObject([{ sequence: 1 }]);
  const all = await run('dead', 'delete', 'orders', '--all', '--yes', '--json');
  expect(JSON.parse(all.stdout)).toEqual({ stream: 'orders', messages: 1 });
  expect(await letters()).toEqual([]);
});

test.each(['redrive', 'dead delete'])('%s does nothing unless it is told which, or all', async (command) => {
  await reject('billing', THREE);
  const nothing = await run(...command.split(' '), 'orders');
  expect(nothing).toMatchObject({ code: 1, stdout: '' });
  expect(nothing.stderr).toBe(
    'simplemq: say which: sequence numbers, a filter as --group or --error, or --all\n',
  );
  const both = await run(...command.split(' '), 'orders', '--all', '--group', 'billing');
  expect(both).toMatchObject({ code: 1, stdout: '' });
  expect(both.stderr).toMatch(/^simplemq: --all means all.*\n$/);
  expect(await letters()).toHaveLength(3);
});

test('a redrive for a group that is gone says how to go on', async () => {
  await reject('billing', THREE);
  await connection.cursor().deleteGroup('orders', 'billing');
  const outcome = await run('redrive', 'orders', '--all');
  expect(outcome).toMatchObject({ code: 1, stdout: '' });
  expect(outcome.stderr).toMatch(/^simplemq: GroupNotFound: .*billing.*\n$/);
});

test.each([
  [['dead', 'nothing'], /StreamNotFound: .*nothing/],
  [['redrive', 'nothing', '--all'], /StreamNotFound: .*nothing/],
  [
    ['dead', 'show', 'orders', '7'],
    /orders has no dead letter 7 \('simplemq dead orders' lists what there is\)/,
  ],
  [['dead', 'show', 'orders', 'x'], /'x' is invalid for argument 'sequence'\. It must be a whole number/],
  [['dead', 'orders', '--since', 'yesterday'], /It must be a time, as .*, or how long ago, as 10m or 2h/],
  [['dead', 'orders', '--header', 'region'], /It must be name=value/],
  [['redrive', 'orders', '9-1'], /It must be a number, or a range as 41-45/],
])('%j is one line', async (args, expected) => {
  const { code, stdout, stderr } = await run(...args);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(/^simplemq: .*\n$/);
  expect(stderr).toMatch(expected);
});
