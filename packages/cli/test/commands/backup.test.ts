import { existsSync, readdirSync } from 'node:fs';
import { mkdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Bind, Connection, Publisher } from '@simplemq/client';
import { startTestBroker, type TemporaryFolder, type TestBroker, temporaryFolder } from '@simplemq/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { simplemq } from '../simplemq.ts';

let folder: TemporaryFolder;
let broker: TestBroker;
let port: string;

beforeEach(async () => {
  folder = await temporaryFolder();
  broker = await startTestBroker();
  port = `--port=${broker.port}`;
});

afterEach(async () => {
  await broker[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

test('what is backed up is restored to a folder that a broker starts on', async () => {
  await using connection = new Connection({ port: broker.port });
  await connection.cursor().createStream('orders');
  const publisher = new Publisher(connection, new Bind('orders'));
  await publisher.sendMessages(['one', 'two']);
  const file = join(folder.path, 'monday.backup');
  const data = join(folder.path, 'data');
  const saved = await simplemq(['backup', file, port]);
  expect(saved).toMatchObject({ code: 0, stderr: '' });
  expect(saved.stdout).toMatch(/^wrote [\d.]+ \w+ to .*monday\.backup in .*\n$/);
  expect(readdirSync(folder.path)).toEqual(['monday.backup']);
  await publisher.sendMessage('three');

  expect(await simplemq(['restore', file, '--check'])).toMatchObject({ code: 0 });
  const restored = await simplemq(['restore', file, '--data', data, '--json']);
  expect(JSON.parse(restored.stdout)).toMatchObject({ file, data, bytes: expect.any(Number) });
  await using again = await startTestBroker({ storage: { path: data } });
  await using reader = new Connection({ port: again.port });
  const messages = await reader.cursor().read<string>('orders');
  expect(messages.map(({ body }) => body)).toEqual(['one', 'two']);
});

test('a folder that was backed up is still locked: no second broker starts on it', async () => {
  for (const name of ['one', 'two']) {
    expect(await simplemq(['backup', join(folder.path, name), port])).toMatchObject({ code: 0 });
  }
  const second = await simplemq(['serve', '--port', '0', '--data', broker.path], { cwd: folder.path });
  expect(second).toMatchObject({ code: 1, stderr: expect.stringMatching(/is in use by another broker/) });
});

test('a file that is there is not written over', async () => {
  const file = join(folder.path, 'file');
  await writeFile(file, 'mine');
  const { code, stderr } = await simplemq(['backup', file, port]);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^simplemq: the file .* is there already, and is not written over; name another\n$/);
});

test('a backup that cannot be made leaves no file', async () => {
  await broker.close();
  const file = join(folder.path, 'file');
  expect(await simplemq(['backup', file, port])).toMatchObject({ code: 1 });
  expect(readdirSync(folder.path)).toEqual([]);
});

test('a cut backup and a folder that is in use are refused in one line each', async () => {
  const file = join(folder.path, 'file');
  const data = join(folder.path, 'data');
  await simplemq(['backup', file, port]);
  const busy = await simplemq(['restore', file, '--data', broker.path]);
  expect(busy).toMatchObject({ code: 1, stderr: expect.stringMatching(/^simplemq: .* is not empty, .*\n$/) });
  await truncate(file, 5_000);
  const cut = await simplemq(['restore', file, '--data', data]);
  expect(cut).toMatchObject({ code: 1, stderr: expect.stringMatching(/^simplemq: .* is cut: .*\n$/) });
  expect(existsSync(data)).toBe(false);
  const none = await simplemq(['restore', file]);
  expect(none.stderr).toBe('simplemq: name the folder with --data <folder>, or only look with --check\n');
});

test('a restore that was broken off is no data folder of a broker, and is begun again', async () => {
  const file = join(folder.path, 'file');
  const data = join(folder.path, 'data');
  await simplemq(['backup', file, port]);
  // As SIGKILL leaves it.
  await mkdir(join(data, 'unfinished-restore'), { recursive: true });
  for (const command of ['serve', 'check']) {
    const { code, stderr } = await simplemq([command, '--data', data], { cwd: folder.path });
    expect({ code, stderr }).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/a restore into .* was not finished/),
    });
  }
  expect(await simplemq(['restore', file, '--data', data])).toMatchObject({ code: 0 });
  expect(await simplemq(['check', '--data', data], { cwd: folder.path })).toMatchObject({ code: 0 });
});
