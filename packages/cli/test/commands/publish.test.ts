import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Bind, Connection, Follower } from '@simplemq/client';
import { spawnBroker, startTestBroker, type TestBroker } from '@simplemq/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { eventually, type Outcome, type RunOptions, simplemq, startSimplemq } from '../simplemq.ts';

let broker: TestBroker;

beforeEach(async () => {
  broker = await startTestBroker({ limits: { maxMessageBytes: '64KiB' } });
  await using connection = new Connection({ port: broker.port });
  for (const stream of ['orders', 'logs.web', 'logs.db']) await connection.cursor().createStream(stream);
});

afterEach(async () => {
  await broker[Symbol.asyncDispose]();
});

function publish(args: readonly string[], options?: RunOptions): Promise<Outcome> {
  return simplemq(['publish', ...args, '--port', String(broker.port)], options);
}

/** What waits in a stream, taken and acked. */
async function bodiesIn(stream: string): Promise<unknown[]> {
  await using connection = new Connection({ port: broker.port });
  const { messages } = await connection.cursor().streamInfo(stream);
  const bodies: unknown[] = [];
  if (messages === 0) return bodies;
  for await (const message of new Follower(connection, new Bind(stream)).getMessages()) {
    bodies.push(message.body instanceof Uint8Array ? Buffer.from(message.body) : message.body);
    await message.ack();
    if (bodies.length === messages) break;
  }
  return bodies;
}

test('each line of standard input is a message, with text as its body', async () => {
  const outcome = await publish(['orders'], { input: 'one\n\n  drei € \r\nlast' });
  expect(outcome).toMatchObject({ code: 0, stdout: '' });
  expect(outcome.stderr).toMatch(/^4 messages confirmed \(fsync\) in .+ \(.+\/s\): orders 1 to 4\n$/);
  expect(await bodiesIn('orders')).toEqual(['one', '', '  drei € \r', 'last']);
});

test('a line that is not UTF-8 is sent as the bytes that it is', async () => {
  const bytes = Buffer.from([0xff, 0x00, 0xfe]);
  await publish(['orders'], {
    input: Buffer.concat([Buffer.from('text\n'), bytes, Buffer.from('\nmore\n')]),
  });
  expect(await bodiesIn('orders')).toEqual(['text', bytes, 'more']);
});

test('--file reads a file, --message sends one message', async () => {
  const file = join(broker.path, 'lines.txt');
  await writeFile(file, 'one\ntwo\n');
  expect((await publish(['orders', '--file', file])).stderr).toMatch(
    /^2 messages confirmed .*: orders 1 to 2\n$/,
  );
  const one = await publish(['orders', '--message', 'two\nlines']);
  expect(one.stderr).toMatch(/^1 message confirmed \(fsync\) in \S+ ms: orders 3\n$/);
  expect(await bodiesIn('orders')).toEqual(['one', 'two', 'two\nlines']);
  const both = await publish(['orders', '--file', file, '--message', 'x']);
  expect(both.code).toBe(1);
  expect(both.stderr).toMatch(/^simplemq: option .*cannot be used with.*\n$/);
});

test('--json-lines sends values, and stops at the first line that is none', async () => {
  const input = '{"a":[1,null]}\n\n"text"\n7\n{oops\n8\n';
  const outcome = await publish(['orders', '--json-lines'], { input });
  expect(outcome).toMatchObject({ code: 1, stdout: '' });
  expect(outcome.stderr).toMatch(/^simplemq: line 5 is not JSON: .*; 3 of 3 messages confirmed\n$/);
  expect(await bodiesIn('orders')).toEqual([{ a: [1, null] }, 'text', 7]);
});

test('--regex reaches every stream that matches, and must match one', async () => {
  const outcome = await publish(['--regex', '^logs\\.'], { input: 'one\ntwo\n' });
  expect(outcome.stderr).toMatch(/^2 messages confirmed .*: logs\.db 1 to 2, logs\.web 1 to 2\n$/);
  const none = await publish(['--regex', 'nothing'], { input: 'one\n' });
  expect(none).toMatchObject({ code: 1, stdout: '' });
  expect(none.stderr).toMatch(/^simplemq: NoMatchingStream: .*; 0 of 1 message confirmed\n$/);
});

test('--json prints what was published', async () => {
  const { code, stdout, stderr } = await publish(['orders', '--json'], { input: 'one\ntwo\n' });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(JSON.parse(stdout)).toEqual({
    bind: { type: 'direct', pattern: 'orders' },
    messages: 2,
    confirmed: 2,
    durability: ['fsync'],
    elapsedMs: expect.any(Number),
    streams: [
      {
        stream: 'orders',
        messages: 2,
        firstSequence: 1,
        lastSequence: 2,
        duplicates: 0,
        delayed: 0,
        firstDelayedId: null,
        lastDelayedId: null,
      },
    ],
  });
});

test('a stream that is not there is StreamNotFound, with what was confirmed', async () => {
  const outcome = await publish(['nothing'], { input: 'one\ntwo\n' });
  expect(outcome).toMatchObject({ code: 1, stdout: '' });
  expect(outcome.stderr).toMatch(/^simplemq: StreamNotFound: .*; 0 of 2 messages confirmed\n$/);
});

test('a line past the message limit ends it with the number of the line; what came before is confirmed', async () => {
  const input = `one\n${'x'.repeat(1024 * 1024)}\nthree\n`;
  const outcome = await publish(['orders'], { input });
  expect(outcome.code).toBe(1);
  expect(outcome.stderr).toMatch(
    /^simplemq: line 2 is longer than 64\.0 KiB, .*; 1 of 1 message confirmed\n$/,
  );
  expect(await bodiesIn('orders')).toEqual(['one']);
});

test('empty input is nothing to publish, and no error', async () => {
  expect(await publish(['orders'], { input: '' })).toMatchObject({
    code: 0,
    stdout: '',
    stderr: 'no messages were published\n',
  });
});

test('a file that is not there is one line, and needs no broker', async () => {
  const outcome = await simplemq(['publish', 'orders', '--file', join(broker.path, 'none.txt')]);
  expect(outcome.code).toBe(1);
  expect(outcome.stderr).toMatch(/^simplemq: the file .*none\.txt cannot be read: there is no such file\n$/);
});

test('SIGINT ends the reading; what was read is confirmed and told', async () => {
  await using running = startSimplemq(['publish', 'orders', '--port', String(broker.port)]);
  running.child.stdin.write('one\ntwo\n');
  await using connection = new Connection({ port: broker.port });
  await eventually(async () => expect((await connection.cursor().streamInfo('orders')).messages).toBe(2));
  running.child.kill('SIGINT');
  const { code, stderr } = await running.ended;
  expect(code).toBe(1);
  expect(stderr).toBe('simplemq: stopped by SIGINT before the end of the input; 2 of 2 messages confirmed\n');
});

test('a broker that is killed and comes back in the middle has every line once', async () => {
  await using mortal = await spawnBroker();
  const port = String(mortal.port);
  await simplemq(['create', 'orders', '--port', port]);
  await using running = startSimplemq(['publish', 'orders', '--port', port]);
  const lines = Array.from({ length: 20_000 }, (_, index) => `${index}\n`);
  running.child.stdin.write(lines.slice(0, 10_000).join(''));
  await using connection = new Connection({ port: mortal.port });
  await eventually(async () => {
    expect((await connection.cursor().streamInfo('orders')).messages).toBeGreaterThan(0);
  });
  await mortal.restart();
  running.child.stdin.end(lines.slice(10_000).join(''));
  const { code, stderr } = await running.ended;
  expect(code).toBe(0);
  expect(stderr).toMatch(/the connection to localhost:\d+ was lost; reconnecting\n/);
  expect(stderr).toMatch(/\n20,000 messages confirmed \(fsync\)/);
  const { stdout } = await simplemq(['follow', 'orders', '--count', '20000', '--port', port]);
  expect(stdout).toBe(lines.join(''));
});
