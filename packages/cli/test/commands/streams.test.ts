import { Bind, Connection, Publisher } from '@simplemq/client';
import { startTestBroker, type TestBroker } from '@simplemq/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Outcome, simplemq } from '../simplemq.ts';

let broker: TestBroker;

beforeEach(async () => {
  broker = await startTestBroker();
});

afterEach(async () => {
  await broker[Symbol.asyncDispose]();
});

function run(...args: string[]): Promise<Outcome> {
  return simplemq([...args, '--port', String(broker.port)]);
}

async function fill(stream: string, bodies: readonly unknown[]): Promise<void> {
  await using connection = new Connection({ port: broker.port });
  await connection.cursor().createStream(stream);
  await new Publisher(connection, new Bind(stream)).sendMessages(bodies);
}

test('create makes a stream once, and tells whether it did', async () => {
  expect(await run('create', 'orders')).toMatchObject({ code: 0, stdout: 'created orders\n', stderr: '' });
  expect(await run('create', 'orders')).toMatchObject({ code: 0, stdout: 'orders was there already\n' });
  const { stdout } = await run('create', 'ticks', '--storage', 'memory', '--json');
  expect(JSON.parse(stdout)).toEqual({ stream: 'ticks', created: true });
  const conflict = await run('create', 'orders', '--storage', 'memory');
  expect(conflict).toMatchObject({ code: 1, stdout: '' });
  expect(conflict.stderr).toMatch(/^simplemq: StreamConflict: .*storage.*\n$/);
});

test('a bad name is one line with the rule', async () => {
  const { code, stderr } = await run('create', 'a/../b');
  expect(code).toBe(1);
  expect(stderr).toMatch(/^simplemq: InvalidName: .*\n$/);
});

test('streams is a table for people, with numbers on the right', async () => {
  expect((await run('streams')).stdout).toBe("no streams yet; 'simplemq create <stream>' makes one\n");
  await fill('logs.web', ['one']);
  await fill('orders', Array(1_200).fill('x'.repeat(128)));
  const { code, stdout } = await run('streams');
  expect(code).toBe(0);
  const [head, ...rows] = stdout.trimEnd().split('\n');
  expect(head).toMatch(/^STREAM +MESSAGES +SIZE +PENDING +FOLLOWERS +NEXT +STORAGE$/);
  expect(rows).toHaveLength(2);
  expect(rows[0]).toMatch(/^logs\.web +1 +\d+ B +0 +0 +2 +file$/);
  expect(rows[1]).toMatch(/^orders +1,200 +\d+\.\d KiB +0 +0 +1,201 +file$/);
  expect(rows[0]!.indexOf(' file')).toBe(rows[1]!.indexOf(' file'));
});

test('streams takes a pattern, and --json tells all', async () => {
  await fill('logs.web', ['one', 'two']);
  await fill('orders', []);
  const { stdout } = await run('streams', '^logs\\.', '--json');
  expect(JSON.parse(stdout)).toMatchObject([
    { name: 'logs.web', messages: 2, nextSequence: 3, storage: 'file' },
  ]);
  expect((await run('streams', 'nothing')).stdout).toBe('no stream matches /nothing/\n');
  const wrong = await run('streams', '(');
  expect(wrong).toMatchObject({ code: 1, stdout: '' });
  expect(wrong.stderr).toMatch(/^simplemq: InvalidPattern: .*position.*\n$/);
});

test('info shows a stream and its groups', async () => {
  await fill('orders', ['one', 'two', 'three']);
  expect((await run('info', 'orders')).stdout).toMatch(
    /^stream +orders\nstorage +file\nretention +work\ncreated +\S+Z \(.+ ago\)\nmessages +3\nsize +\d+ B\ndelayed +0\nfirst sequence +1\nnext sequence +4\nmax age +none\nmax bytes +none\nmax messages +none\noverflow +reject\ndedup window +2 min\nexpire after +none\n\nno groups yet/,
  );
  await run('follow', 'orders', '--count', '2');
  const { stdout } = await run('info', 'orders');
  expect(stdout).toMatch(
    /\nGROUP +FOLLOWERS +LAG +PENDING +REDELIVERED +ACKED UP TO\nworkers +0 +\d+ +\d+ +\d+ +2\n$/,
  );
  expect(JSON.parse((await run('info', 'orders', '--json')).stdout)).toMatchObject({
    name: 'orders',
    messages: 1,
    groups: [{ name: 'workers', ackFloor: 2 }],
  });
});

test('info, delete, purge and pending of a stream that is not there are StreamNotFound', async () => {
  for (const command of ['info', 'delete', 'purge', 'pending']) {
    const outcome = await run(command, 'nothing');
    expect(outcome).toMatchObject({ code: 1, stdout: '' });
    expect(outcome.stderr).toMatch(/^simplemq: StreamNotFound: there is no stream 'nothing'.*\n$/);
  }
});

test('purge removes the messages, delete the stream; neither asks where there is no terminal', async () => {
  await fill('orders', ['one', 'two']);
  expect(await run('purge', 'orders')).toMatchObject({ code: 0, stdout: 'removed 2 messages from orders\n' });
  expect(JSON.parse((await run('purge', 'orders', '--json')).stdout)).toEqual({
    stream: 'orders',
    messages: 0,
  });
  await fill('orders', ['three']);
  const { stdout } = await run('delete', 'orders', '--yes', '--json');
  expect(JSON.parse(stdout)).toEqual({ stream: 'orders', deleted: true, messages: 1 });
  await run('create', 'orders');
  expect(await run('delete', 'orders')).toMatchObject({
    code: 0,
    stdout: 'deleted orders with 0 messages\n',
  });
  expect((await run('streams', '--json')).stdout).toBe('[]\n');
});

test('pending lists what was delivered and is not acked, by follower, idle time and limit', async () => {
  await fill('orders', ['one', 'two', 'three']);
  expect((await run('pending', 'orders')).stdout).toBe('nothing is pending in orders\n');
  await using connection = new Connection({ port: broker.port, name: 'packer \u001b[31m' });
  const { Follower } = await import('@simplemq/client');
  const messages = new Follower(connection, new Bind('orders'), { prefetch: 3 }).getMessages();
  for (let taken = 0; taken < 3; taken++) await messages.next();

  const { stdout } = await run('pending', 'orders', '--limit', '2');
  const [head, first, second, ...rest] = stdout.split('\n');
  expect(head).toMatch(/^SEQUENCE +ATTEMPT +DELIVERED +FOLLOWER +CLIENT$/);
  expect(first).toMatch(/^ +1 +1 +\d.* ago +\d+ +packer \\x1b\[31m$/);
  expect(second).toMatch(/^ +2 +1 /);
  expect(rest.join('\n')).toBe('\nthere are more than these 2; --limit shows more\n');

  const all = JSON.parse((await run('pending', 'orders', '--json')).stdout);
  expect(all).toMatchObject([{ sequence: 1, attempt: 1 }, { sequence: 2 }, { sequence: 3 }]);
  const follower = String(all[0].follower);
  expect(JSON.parse((await run('pending', 'orders', '--json', '--follower', follower)).stdout)).toHaveLength(
    3,
  );
  expect((await run('pending', 'orders', '--json', '--follower', '999999')).stdout).toBe('[]\n');
  expect((await run('pending', 'orders', '--json', '--idle-ms', '3600000')).stdout).toBe('[]\n');
  await messages.return?.();
});
