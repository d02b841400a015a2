import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Bind, Connection, Publisher, type SendOptions, type StreamSummary } from '@simplemq/client';
import { spawnBroker, startTestBroker, type TestBroker } from '@simplemq/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { eventually, type Outcome, shell, simplemq, startSimplemq } from '../simplemq.ts';

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

function follow(...args: string[]): Promise<Outcome> {
  return simplemq(['follow', ...args, '--port', String(broker.port)]);
}

async function send(stream: string, bodies: readonly unknown[], options?: SendOptions): Promise<void> {
  await new Publisher(connection, new Bind(stream)).sendMessages(bodies, options);
}

function info(stream = 'orders'): Promise<StreamSummary> {
  return connection.cursor().streamInfo(stream);
}

test('a file of 10,000 lines goes through publish and follow byte for byte', async () => {
  const before = join(broker.path, 'before.txt');
  const after = join(broker.path, 'after.txt');
  const lines = Array.from(
    { length: 10_000 },
    (_, n) => `line ${n} ${'é€😀 \t'.repeat(n % 7)}${n % 3 === 0 ? '\r' : ''}`,
  );
  lines[1_234] = '';
  const binary = Buffer.from([0xff, 0x00, 0xc3, 0x28, 0x0a]);
  await writeFile(before, Buffer.concat([binary, Buffer.from(`${lines.slice(1).join('\n')}\n`)]));

  await using following = startSimplemq([
    'follow',
    'orders',
    '--count',
    '10000',
    '--port',
    String(broker.port),
  ]);
  following.child.stdout.pipe(createWriteStream(after));
  await using publishing = startSimplemq(['publish', 'orders', '--port', String(broker.port)]);
  createReadStream(before).pipe(publishing.child.stdin);
  expect(await publishing.ended).toMatchObject({ code: 0 });
  const { code, stderr, output } = await following.ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(output.equals(await readFile(before))).toBe(true);
  expect(await info()).toMatchObject({ messages: 0, groups: [{ ackFloor: 10_000, pending: 0 }] });
});

test('strings and bytes are written as they are, other values as JSON in one line', async () => {
  const nested = { list: [1, 'two\nlines'], big: 123n, bytes: Buffer.from('hi') };
  await send('orders', ['plain "text"', Buffer.from([0xff, 0x01]), 7, null, nested]);
  const { output } = await follow('orders', '--count', '5');
  const expected = '7\nnull\n{"list":[1,"two\\nlines"],"big":{"$bigint":"123"},"bytes":{"$base64":"aGk="}}\n';
  expect(output).toEqual(
    Buffer.concat([Buffer.from('plain "text"\n'), Buffer.from([0xff, 0x01, 0x0a]), Buffer.from(expected)]),
  );
});

test('--json writes all of a message, one object a line', async () => {
  await send('orders', ['one'], { headers: { kind: 'test' }, key: 'k1' });
  await send('orders', [Buffer.from([0xff])]);
  const { stdout } = await follow('orders', '--count', '2', '--json');
  const [first, second] = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(first).toEqual({
    stream: 'orders',
    sequence: 1,
    attempt: 1,
    timestamp: expect.stringMatching(/^\d{4}-.*Z$/),
    headers: { kind: 'test' },
    key: 'k1',
    priority: 'normal',
    body: 'one',
  });
  expect(second).toMatchObject({ sequence: 2, headers: {}, body: { $base64: '/w==' } });
  expect(second).not.toHaveProperty('key');
});

test('--regex follows streams that are created later too', async () => {
  await using following = startSimplemq([
    'follow',
    '--regex',
    '_world$',
    '--count',
    '2',
    '--json',
    '--port',
    String(broker.port),
  ]);
  await connection.cursor().createStream('old_world');
  await send('old_world', ['one']);
  await following.said('stdout', /\n/);
  await connection.cursor().createStream('new_world');
  await send('new_world', ['two']);
  const { code, stdout } = await following.ended;
  expect(code).toBe(0);
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines.map(({ stream, body }) => [stream, body])).toEqual([
    ['old_world', 'one'],
    ['new_world', 'two'],
  ]);
});

test('--count acks so many and leaves the others', async () => {
  await send('orders', ['one', 'two', 'three', 'four']);
  expect(await follow('orders', '--count', '3')).toMatchObject({
    code: 0,
    stdout: 'one\ntwo\nthree\n',
    stderr: '',
  });
  expect(await info()).toMatchObject({ messages: 1, groups: [{ ackFloor: 3, followers: 0 }] });
  expect((await follow('orders', '--count', '1', '--json')).stdout).toMatch(/"sequence":4,"attempt":1,/);
});

test('--no-ack leaves what it has written, to be delivered again', async () => {
  await send('orders', ['one', 'two']);
  expect((await follow('orders', '--count', '2', '--no-ack')).stdout).toBe('one\ntwo\n');
  expect(await info()).toMatchObject({ messages: 2 });
  const again = await follow('orders', '--count', '2', '--json');
  expect(again.stdout.match(/"attempt":2/g)).toHaveLength(2);
  expect(await info()).toMatchObject({ messages: 0 });
});

test.each(['SIGINT', 'SIGTERM'] as const)(
  '%s ends it with 0, and what is written is acked',
  async (signal) => {
    await using following = startSimplemq(['follow', 'orders', '--port', String(broker.port)]);
    await send('orders', ['one', 'two']);
    await following.said('stdout', /two\n/);
    following.child.kill(signal);
    expect(await following.ended).toMatchObject({ code: 0, stdout: 'one\ntwo\n', stderr: '' });
    expect(await info()).toMatchObject({ messages: 0, groups: [{ pending: 0, followers: 0 }] });
  },
);

test('SIGINT while the reader is slow loses nothing and writes nothing twice', async () => {
  const count = 50_000;
  await send(
    'orders',
    Array.from({ length: count }, (_, n) => `message ${n}`),
  );
  await using following = startSimplemq(['follow', 'orders', '--json', '--port', String(broker.port)]);
  await following.said('stdout', /\n/);
  following.child.stdout.pause();
  // Nobody reads: what it can write is soon used up, and the rest stays with the broker.
  await eventually(async () => expect((await info()).groups[0]?.ackFloor).toBeGreaterThan(0));
  following.child.kill('SIGINT');
  following.child.stdout.resume();
  const first = await following.ended;
  expect(first.code).toBe(0);
  const written = first.stdout.split('\n').length - 1;
  expect(written).toBeLessThan(count);
  expect(await info()).toMatchObject({ messages: count - written });
  const rest = await follow('orders', '--json', '--count', String(count - written));
  const sequences = (first.stdout + rest.stdout).match(/(?<="sequence":)\d+/g)!.map(Number);
  expect(sequences).toEqual(Array.from({ length: count }, (_, index) => index + 1));
});

test('a reader that goes, as head does, ends it quietly; what it could not write is not acked', async () => {
  await send(
    'orders',
    Array.from({ length: 10_000 }, (_, n) => `message ${n}`),
  );
  const line = `{ simplemq follow orders --port ${broker.port}; echo "code $?" >&2; } | head -n 1`;
  expect(await shell(line)).toMatchObject({ code: 0, stdout: 'message 0\n', stderr: 'code 0\n' });
  const after = await info();
  expect(after.messages).toBeGreaterThan(0);
  expect(after.groups[0]?.followers).toBe(0);
});

test.runIf(existsSync('/dev/full'))(
  'output that cannot be written is an error, and acks nothing',
  async () => {
    await send('orders', ['one', 'two']);
    const outcome = await shell(`simplemq follow orders --port ${broker.port} > /dev/full`);
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toMatch(/^simplemq: standard output cannot be written: .*ENOSPC.*\n$/);
    expect(await info()).toMatchObject({ messages: 2 });
    const table = await shell(`simplemq streams --port ${broker.port} > /dev/full`);
    expect(table.code).toBe(1);
    expect(table.stderr).toMatch(/^simplemq: standard output cannot be written: .*ENOSPC.*\n$/);
  },
);

test('a stream that is not there, or is deleted meanwhile, is StreamNotFound', async () => {
  const missing = await follow('nothing');
  expect(missing).toMatchObject({ code: 1, stdout: '' });
  expect(missing.stderr).toMatch(/^simplemq: StreamNotFound: .*\n$/);
  await using following = startSimplemq(['follow', 'orders', '--port', String(broker.port)]);
  await send('orders', ['one']);
  await following.said('stdout', /one\n/);
  await connection.cursor().deleteStream('orders');
  const { code, stderr } = await following.ended;
  expect(code).toBe(1);
  expect(stderr).toMatch(/(^|\n)simplemq: StreamNotFound: .*deleted.*\n$/);
});

test('follow goes on when the broker was killed and is back', async () => {
  await using mortal = await spawnBroker();
  const port = String(mortal.port);
  await simplemq(['create', 'orders', '--port', port]);
  await using following = startSimplemq(['follow', 'orders', '--count', '2', '--port', port]);
  await simplemq(['publish', 'orders', '--message', 'one', '--port', port]);
  await following.said('stdout', /one\n/);
  await using other = new Connection({ port: mortal.port });
  await eventually(async () => expect((await other.cursor().streamInfo('orders')).messages).toBe(0));
  // A commit after the ack's: what the broker tells may be a moment ahead of its disk.
  await other.cursor().createStream('later');
  await mortal.restart();
  await simplemq(['publish', 'orders', '--message', 'two', '--port', port]);
  const { code, stdout, stderr } = await following.ended;
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'one\ntwo\n' });
  expect(stderr).toMatch(
    /simplemq: the connection to .* was lost; reconnecting\nsimplemq: connected to .* again\n$/,
  );
});
