import { Bind, Connection, Publisher } from '@simplemq/client';
import { startTestBroker, type TestBroker } from '@simplemq/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Outcome, simplemq } from '../simplemq.ts';

let broker: TestBroker;
let connection: Connection;

beforeEach(async () => {
  broker = await startTestBroker();
  connection = new Connection({ port: broker.port });
});

afterEach(async () => {
  await connection.close();
  await broker[Symbol.asyncDispose]();
});

function run(...args: string[]): Promise<Outcome> {
  return simplemq([...args, '--port', String(broker.port)]);
}

const LIMITS = [
  '--max-age',
  '7d',
  '--max-bytes',
  '10MiB',
  '--max-messages',
  '5',
  '--overflow',
  'drop-oldest',
];
const TIMES = ['--dedup-window', '10m', '--expire-after', '36h'];

test('create takes limits in the units of people, and info shows them so', async () => {
  expect(await run('create', 'events', '--retention', 'log', ...LIMITS, ...TIMES)).toMatchObject({
    code: 0,
    stdout: 'created events\n',
  });
  const { stdout } = await run('info', 'events');
  expect(stdout).toMatch(/^retention +log$/m);
  expect(stdout).toMatch(
    /\nmax age +7 d\nmax bytes +10 MiB\nmax messages +5\noverflow +drop-oldest\ndedup window +10 min\nexpire after +36 h\n/,
  );
  expect(JSON.parse((await run('info', 'events', '--json')).stdout)).toMatchObject({
    retention: 'log',
    maxAgeMs: 604_800_000,
    maxBytes: 10_485_760,
    maxMessages: 5,
    overflow: 'drop-oldest',
    dedupWindowMs: 600_000,
    expireAfterMs: 129_600_000,
  });
});

test('update changes what is named and nothing else; none takes a limit away', async () => {
  await run('create', 'events', ...LIMITS);
  expect(await run('update', 'events', '--max-messages', 'none', '--max-age', '90s')).toMatchObject({
    code: 0,
    stdout: 'updated events\n',
  });
  expect(await connection.cursor().streamInfo('events')).toMatchObject({
    maxAgeMs: 90_000,
    maxMessages: 0,
    maxBytes: 10_485_760,
    overflow: 'drop-oldest',
  });
  const json = await run('update', 'events', '--overflow', 'reject', '--json');
  expect(JSON.parse(json.stdout)).toEqual({ stream: 'events', updated: true });
});

test('what update cannot do is one line', async () => {
  const nothing = await run('update', 'events');
  expect(nothing.stderr).toBe(
    "simplemq: say what to change, as --max-age 7d (see 'simplemq update --help')\n",
  );
  expect(nothing.code).toBe(1);
  const missing = await run('update', 'events', '--max-age', '1d');
  expect(missing).toMatchObject({ code: 1, stdout: '' });
  expect(missing.stderr).toMatch(/^simplemq: StreamNotFound: .*events.*\n$/);
  const kind = await run('update', 'events', '--storage', 'memory');
  expect(kind.stderr).toMatch(/^simplemq: unknown option '--storage'.*\n$/);
});

test.each([
  ['--max-age', 'soon', /a time span .*as 30s, 10m, 2h, 7d .*, or none/],
  ['--max-bytes', '10XB', /a size, as 64KiB, 10MiB.*, or none/],
  ['--max-messages', '0', /a whole number of at least 1, or none/],
  ['--overflow', 'explode', /Allowed choices are reject, drop-oldest/],
  ['--retention', 'forever', /Allowed choices are work, log/],
])('create %s %s is one line that says what it must be', async (flag, value, expected) => {
  const { code, stdout, stderr } = await simplemq(['create', 'events', flag, value]);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(/^simplemq: option '--.*\(see 'simplemq create --help'\)\n$/);
  expect(stderr).toMatch(expected);
});

test('a stream at its limit refuses what is published, and says so', async () => {
  await run('create', 'orders', '--max-messages', '2');
  const args = ['publish', 'orders', '--port', String(broker.port)];
  expect(await simplemq(args, { input: 'one\ntwo\n' })).toMatchObject({ code: 0 });
  const full = await simplemq(args, { input: 'three\n' });
  expect(full).toMatchObject({ code: 1, stdout: '' });
  expect(full.stderr).toMatch(/^simplemq: StreamFull: .*; 0 of 1 message confirmed\n$/);
});

test('purge removes what is before a sequence number, which stays, or before a time', async () => {
  await connection.cursor().createStream('orders');
  await new Publisher(connection, new Bind('orders')).sendMessages(['one', 'two', 'three', 'four']);
  expect(await run('purge', 'orders', '--to-sequence', '3')).toMatchObject({
    code: 0,
    stdout: 'removed 2 messages from orders\n',
  });
  expect((await run('read', 'orders')).stdout).toBe('three\nfour\n');
  expect((await run('purge', 'orders', '--before', '1h')).stdout).toBe('removed 0 messages from orders\n');
  const all = await run('purge', 'orders', '--before', '2999-01-01', '--json');
  expect(JSON.parse(all.stdout)).toEqual({ stream: 'orders', messages: 2 });
});

test.each([
  [['--before', 'now'], /must be a time, as 2026-05-01T08:30:00Z or 2026-05-01, or how long ago/],
  [['--to-sequence', 'x'], /must be a whole number of at least 1/],
  [
    ['--before', '1h', '--to-sequence', '3'],
    /'--before <time>' cannot be used with option '--to-sequence <n>'/,
  ],
])('purge %j is one line', async (args, expected) => {
  const { code, stderr } = await simplemq(['purge', 'orders', ...args]);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^simplemq: .*\n$/);
  expect(stderr).toMatch(expected);
});
