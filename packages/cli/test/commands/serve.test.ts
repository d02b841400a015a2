import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { open, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Bind, Connection, Publisher } from '@simplemq/client';
import { startTestBroker, type TemporaryFolder, temporaryFolder } from '@simplemq/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Running, simplemq, startSimplemq } from '../simplemq.ts';

/** Where SQLite's file header has the version of the schema. */
const USER_VERSION_OFFSET = 60;

let folder: TemporaryFolder;

beforeEach(async () => {
  folder = await temporaryFolder();
});

afterEach(async () => {
  await folder[Symbol.asyncDispose]();
});

interface Started {
  readonly host: string;
  readonly port: number;
  readonly data: string;
  readonly durability: string;
  readonly settings: string | null;
  readonly pid: number;
}

async function startServe(
  args: string[],
  env: Record<string, string> = {},
): Promise<Running & { told: Started }> {
  const running = startSimplemq(['serve', '--json', ...args], { cwd: folder.path, env });
  await running.said('stdout', /\n/);
  return Object.assign(running, { told: JSON.parse(running.stdout) as Started });
}

async function messagesOf(port: number, stream: string): Promise<number> {
  await using connection = new Connection({ port, reconnect: false });
  return (await connection.cursor().streamInfo(stream)).messages;
}

test('serve --json tells in one line where it runs, and SIGTERM and SIGINT stop it with 0', async () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    await using broker = await startServe(['--port', '0', '--data', 'kept']);
    expect(broker.told).toMatchObject({
      host: 'localhost',
      data: join(folder.path, 'kept'),
      durability: 'fsync',
      settings: null,
      pid: broker.child.pid,
    });
    expect(await simplemq(['streams', '--json', '--port', String(broker.told.port)])).toMatchObject({
      code: 0,
    });
    broker.child.kill(signal);
    expect(await broker.ended).toMatchObject({ code: 0 });
  }
});

test('serve writes nothing but its log where there is no terminal', async () => {
  await using broker = startSimplemq(['serve', '--port', '0', '--data', ':memory:']);
  await broker.said('stderr', /server started/);
  broker.child.kill('SIGTERM');
  const { code, stdout, stderr } = await broker.ended;
  expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
  for (const line of stderr.trimEnd().split('\n')) expect(JSON.parse(line)).toHaveProperty('msg');
});

test('serve reads ./settings.yaml; the environment overrides it, and flags both', async () => {
  await writeFile(
    join(folder.path, 'settings.yaml'),
    'port: 1\nstorage: { path: from-file }\nlogs: { level: error }\n',
  );
  await using byEnvironment = await startServe([], { SIMPLEMQ_PORT: '0' });
  expect(byEnvironment.told).toMatchObject({
    data: join(folder.path, 'from-file'),
    settings: 'settings.yaml',
  });
  await using byFlag = await startServe(['--port', '0', '--data', ':memory:'], { SIMPLEMQ_PORT: '1' });
  expect(byFlag.told).toMatchObject({ data: ':memory:', durability: 'memory' });
});

test('SIGTERM under load: what was confirmed is there after the next start', async () => {
  await using broker = await startServe(['--port', '0', '--data', 'kept']);
  const connection = new Connection({ port: broker.told.port, reconnect: false });
  await connection.cursor().createStream('orders');
  const publisher = new Publisher(connection, new Bind('orders'));
  let confirmed = 0;
  const publishes: Promise<void>[] = [];
  for (let n = 0; n < 20_000; n++) {
    const publish = publisher.sendMessage(n).then(() => {
      if (++confirmed === 1) broker.child.kill('SIGTERM');
    });
    publishes.push(publish.catch(() => undefined));
  }
  await Promise.all(publishes);
  await connection.close();
  expect(await broker.ended).toMatchObject({ code: 0 });
  expect(confirmed).toBeGreaterThan(0);
  await using again = await startServe(['--port', '0', '--data', 'kept']);
  expect(await messagesOf(again.told.port, 'orders')).toBeGreaterThanOrEqual(confirmed);
});

test('a port in use is one line, and nothing is made', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as { port: number };
  const outcome = await simplemq(['serve', '--port', String(port), '--data', 'new'], { cwd: folder.path });
  other.close();
  expect(outcome).toMatchObject({ code: 1, stdout: '' });
  expect(outcome.stderr).toMatch(new RegExp(`^simplemq: port ${port} on localhost is in use; .*\\n$`));
  expect(existsSync(join(folder.path, 'new'))).toBe(false);
});

test('a data folder that cannot be made is one line', async () => {
  await writeFile(join(folder.path, 'file'), 'kept as it is');
  const outcome = await simplemq(['serve', '--port', '0', '--data', 'file/data'], { cwd: folder.path });
  expect(outcome).toMatchObject({ code: 1, stdout: '' });
  expect(outcome.stderr).toMatch(
    /^simplemq: StorageFailed: the data folder '.*file\/data' cannot be made: .*\n$/,
  );
  expect(await readFile(join(folder.path, 'file'), 'utf8')).toBe('kept as it is');
});

test('a second broker on the same folder is one line, and the first goes on', async () => {
  await using first = await startTestBroker({ storage: { path: join(folder.path, 'kept') } });
  const outcome = await simplemq(['serve', '--port', '0', '--data', 'kept'], { cwd: folder.path });
  expect(outcome).toMatchObject({ code: 1, stdout: '' });
  expect(outcome.stderr).toMatch(
    /^simplemq: StorageFailed: the data folder '.*kept' is in use by another broker; .*\n$/,
  );
  await simplemq(['create', 'orders', '--port', String(first.port)]);
  const sent = await simplemq(['publish', 'orders', '--message', 'x', '--port', String(first.port)]);
  expect(sent.code).toBe(0);
});

test('a database of a newer version is one line, and stays as it is', async () => {
  await (await startTestBroker({ storage: { path: folder.path } })).close();
  const database = join(folder.path, 'simplemq.db');
  const file = await open(database, 'r+');
  await file.write(Buffer.from([0, 0, 0x03, 0xe7]), 0, 4, USER_VERSION_OFFSET);
  await file.close();
  const before = await readFile(database);
  const outcome = await simplemq(['serve', '--port', '0', '--data', folder.path]);
  expect(outcome).toMatchObject({ code: 1, stdout: '' });
  expect(outcome.stderr).toMatch(/^simplemq: StorageFailed: the database '.*' has version 999, .*\n$/);
  expect(await readFile(database)).toEqual(before);
});

test('wrong settings are a line each, and nothing is made', async () => {
  await writeFile(join(folder.path, 'settings.yaml'), 'port: 70000\nstorage: { path: new }\n');
  const { code, stderr } = await simplemq(['serve'], { cwd: folder.path });
  expect(code).toBe(1);
  expect(stderr).toMatch(/^simplemq: settings\.yaml:1: port is 70000; it must be .*\n$/);
  expect(existsSync(join(folder.path, 'new'))).toBe(false);
});
