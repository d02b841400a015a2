import { Bind, Connection, Follower, Publisher } from '@simplemq/client';
import { startTestBroker, type TestBroker } from '@simplemq/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { eventually, type Outcome, simplemq, startSimplemq } from '../simplemq.ts';

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

async function send(...bodies: string[]): Promise<void> {
  await new Publisher(connection, new Bind('orders')).sendMessages(bodies);
}

test('groups lists the groups with what each is behind and holds', async () => {
  expect((await run('groups', 'orders')).stdout).toBe(
    'orders has no groups yet: the first follower makes one\n',
  );
  await send('one', 'two', 'three');
  await connection.cursor().createGroup('orders', 'audit');
  const held = new Follower(connection, new Bind('orders'), { group: 'billing', prefetch: 2 }).getMessages();
  await held.next();
  const { code, stdout } = await run('groups', 'orders');
  expect(code).toBe(0);
  const [head, audit, billing] = stdout.split('\n');
  expect(head).toMatch(/^GROUP +FOLLOWERS +LAG +PENDING +REDELIVERED +OLDEST UNACKED +DEAD$/);
  expect(audit).toMatch(/^audit +0 +3 +0 +0 +\d.*(ms|s) +0$/);
  expect(billing).toMatch(/^billing +1 +1 +2 +0 +\d.*(ms|s) +0$/);
  await held.return?.();
  expect(JSON.parse((await run('groups', 'list', 'orders', '--json')).stdout)).toMatchObject([
    { name: 'audit', stream: 'orders', lag: 3, options: { ordering: 'none' } },
    { name: 'billing', stream: 'orders', options: { retry: { maxDeliveries: 20 } } },
  ]);
});

test('create makes a group once, with its options, and info shows them', async () => {
  await send('one');
  const options = ['--max-deliveries', '5', '--retry-delay', '1s', '--retry-max-delay', '2m'];
  const more = [
    '--retry-factor',
    '1.5',
    '--retry-jitter',
    '0',
    '--ordering',
    'key',
    '--key-concurrency',
    '2',
  ];
  const rest = ['--exclusive', '--rate', '2.5', '--yield-every', '10', '--dead-letter-expired'];
  const all = [...options, ...more, ...rest, '--expire-after', '7d', '--start-from', 'new'];
  expect(await run('groups', 'create', 'orders', 'billing', ...all)).toMatchObject({
    code: 0,
    stdout: 'created billing of orders\n',
  });
  const { stdout } = await run('groups', 'info', 'orders', 'billing');
  expect(stdout).toMatch(/^group +billing\nstream +orders\ncreated +\S+Z \(.+ ago\)\nfollowers +0\n/);
  expect(stdout).toMatch(/\nlag +0\n/);
  expect(stdout).toMatch(
    /\nmax deliveries +5\nretry delay +1 s\nretry factor +1\.5\nretry max delay +2 min\nretry jitter +0\n/,
  );
  expect(stdout).toMatch(
    /\nordering +key\nkey concurrency +2\nexclusive +yes\nrate +2\.5 messages a second\nyield every +10\ndead letter expired +yes\nexpire after +7 d\n$/,
  );
  expect((await run('groups', 'create', 'orders', 'billing', '--exclusive')).stdout).toBe(
    'billing of orders was there already\n',
  );
  const conflict = await run('groups', 'create', 'orders', 'billing', '--max-deliveries', '9');
  expect(conflict).toMatchObject({ code: 1, stdout: '' });
  expect(conflict.stderr).toMatch(/^simplemq: StreamConflict: .*maxDeliveries 5.*\n$/);
});

test('update changes what is named and nothing else, switches off included', async () => {
  await run('groups', 'create', 'orders', 'billing', '--exclusive', '--rate', '5', '--dead-letter-expired');
  const update = ['groups', 'update', 'orders', 'billing'];
  expect(await run(...update, '--no-exclusive', '--rate', 'none', '--max-deliveries', '3')).toMatchObject({
    code: 0,
    stdout: 'updated billing of orders\n',
  });
  expect((await connection.cursor().groupInfo('orders', 'billing')).options).toMatchObject({
    exclusive: false,
    ratePerSecond: 0,
    deadLetterExpired: true,
    retry: { maxDeliveries: 3, factor: 2 },
  });
  await run(...update, '--no-dead-letter-expired', '--exclusive');
  expect((await connection.cursor().groupInfo('orders', 'billing')).options).toMatchObject({
    exclusive: true,
    deadLetterExpired: false,
  });
  const nothing = await run(...update);
  expect(nothing.code).toBe(1);
  expect(nothing.stderr).toMatch(/^simplemq: say what to change, as --max-deliveries 5 .*\n$/);
});

test('reset moves a group to a sequence number, a time, the first or the next message', async () => {
  await send('one', 'two', 'three');
  await run('follow', 'orders', '--count', '3');
  expect(await run('groups', 'reset', 'orders', 'workers', '--start-from', '2')).toMatchObject({
    code: 0,
    stdout: 'moved workers of orders to sequence number 2\n',
  });
  const again = await run('follow', 'orders', '--count', '2', '--json');
  expect(again.stdout).toMatch(/"sequence":2,"attempt":1,.*\n.*"sequence":3,"attempt":1,/);
  const places = ['first', 'new', '1h'];
  const lags = [];
  for (const place of places) {
    const args = ['groups', 'reset', 'orders', 'workers', '--start-from', place, '--json'];
    expect(JSON.parse((await run(...args)).stdout)).toEqual({
      stream: 'orders',
      group: 'workers',
      reset: true,
    });
    lags.push((await connection.cursor().groupInfo('orders', 'workers')).lag);
  }
  expect(lags).toEqual([3, 0, 3]);
});

test('delete removes a group, and asks nobody where there is no terminal', async () => {
  await connection.cursor().createGroup('orders', 'billing');
  expect(await run('groups', 'delete', 'orders', 'billing')).toMatchObject({
    code: 0,
    stdout: 'deleted billing of orders\n',
  });
  expect(await connection.cursor().listGroups('orders')).toEqual([]);
});

test.each([
  ['info', []],
  ['update', ['--rate', '1']],
  ['reset', ['--start-from', 'first']],
  ['delete', ['--yes']],
])('groups %s of a group that is not there is GroupNotFound', async (command, flags) => {
  const outcome = await run('groups', command, 'orders', 'nobody', ...flags);
  expect(outcome).toMatchObject({ code: 1, stdout: '' });
  expect(outcome.stderr).toMatch(/^simplemq: GroupNotFound: .*'nobody'.*\n$/);
});

test('groups and pending of what is not there are one line', async () => {
  const stream = await run('groups', 'nothing');
  expect(stream).toMatchObject({ code: 1, stdout: '' });
  expect(stream.stderr).toMatch(/^simplemq: StreamNotFound: .*nothing.*\n$/);
  const group = await run('pending', 'orders', '--group', 'nobody');
  expect(group).toMatchObject({ code: 1, stdout: '' });
  expect(group.stderr).toMatch(/^simplemq: GroupNotFound: .*nobody.*\n$/);
});

test.each([
  [['create', 'orders', 'g', '--start-from', 'yesterday'], /must be first, new, a sequence number, a time/],
  [['create', 'orders', 'g', '--ordering', 'random'], /Allowed choices are none, key/],
  [['create', 'orders', 'g', '--retry-jitter', '2'], /must be a number from 0 to 1/],
  [['create', 'orders', 'g', '--retry-delay', 'long'], /must be a time span, as 30s/],
  [['create', 'orders', 'g', '--max-deliveries', '0'], /must be a whole number of at least 1/],
  [['update', 'orders', 'g', '--rate', 'fast'], /must be a number of at least 0\.001, or none/],
  [['reset', 'orders', 'g'], /required option '--start-from <place>' not specified/],
])('groups %j is one line', async (args, expected) => {
  const { code, stdout, stderr } = await simplemq(['groups', ...args]);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(/^simplemq: .*\(see 'simplemq groups \w+ --help'\)\n$/);
  expect(stderr).toMatch(expected);
});

test('follow and pending take a group; each group gets every message', async () => {
  await send('one', 'two');
  expect((await run('follow', 'orders', '--count', '2')).stdout).toBe('one\ntwo\n');
  expect((await run('follow', 'orders', '--group', 'audit', '--count', '2')).stdout).toBe('one\ntwo\n');
  await send('three');
  const held = new Follower(connection, new Bind('orders'), { group: 'audit' }).getMessages();
  await held.next();
  const pending = await run('pending', 'orders', '--group', 'audit', '--json');
  expect(JSON.parse(pending.stdout)).toMatchObject([{ sequence: 3 }]);
  expect((await run('pending', 'orders')).stdout).toBe('nothing is pending in orders\n');
  await held.return?.();
});

test('follow begins a new group where it is told, and has it exclusive and in order of keys', async () => {
  await send('one', 'two', 'three');
  const flags = ['--group', 'late', '--start-from', '3', '--ordering', 'key', '--exclusive'];
  expect((await run('follow', 'orders', ...flags, '--count', '1')).stdout).toBe('three\n');
  const { options } = await connection.cursor().groupInfo('orders', 'late');
  expect(options).toMatchObject({ ordering: 'key', exclusive: true });
  const other = await run('follow', 'orders', '--group', 'late', '--ordering', 'none', '--count', '1');
  expect(other).toMatchObject({ code: 1, stdout: '' });
  expect(other.stderr).toMatch(/simplemq: StreamConflict: .*ordering key.*\n$/);
});

test('follow --start-from new has only what comes after it', async () => {
  await send('before');
  const args = ['follow', 'orders', '--group', 'tail', '--start-from', 'new', '--count', '1'];
  await using following = startSimplemq([...args, '--port', String(broker.port)]);
  await eventually(async () => {
    expect(await connection.cursor().listGroups('orders')).toMatchObject([{ name: 'tail' }]);
  });
  await send('after');
  expect(await following.ended).toMatchObject({ code: 0, stdout: 'after\n' });
});
