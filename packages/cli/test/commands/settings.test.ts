import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TemporaryFolder, temporaryFolder } from '@simplemq/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { simplemq } from '../simplemq.ts';

let folder: TemporaryFolder;

beforeEach(async () => {
  folder = await temporaryFolder();
});

afterEach(async () => {
  await folder[Symbol.asyncDispose]();
});

test('settings shows value, default, place and description of each', async () => {
  await writeFile(join(folder.path, 'settings.yaml'), 'port: 9191\nlimits:\n  maxMessageBytes: 1MiB\n');
  const env = { SIMPLEMQ_LOGS_LEVEL: 'warn' };
  const { code, stdout } = await simplemq(['settings'], { cwd: folder.path, env });
  expect(code).toBe(0);
  expect(stdout).toMatch(/^SETTING +VALUE +DEFAULT +FROM\n/);
  expect(stdout).toMatch(/^host +localhost +localhost +default\n {2}Name or address/m);
  expect(stdout).toMatch(/^port +9191 +9090 +settings\.yaml:1\n/m);
  expect(stdout).toMatch(/^limits\.maxMessageBytes +1 MiB +8 MiB +settings\.yaml:3\n/m);
  expect(stdout).toMatch(/^logs\.level +warn +info +SIMPLEMQ_LOGS_LEVEL\n/m);
});

test('settings --json has a row with every key for each setting', async () => {
  const { stdout } = await simplemq(['settings', '--json'], {
    cwd: folder.path,
    env: { SIMPLEMQ_PORT: '9292' },
  });
  const rows = JSON.parse(stdout);
  expect(rows).toContainEqual({
    key: 'port',
    value: 9292,
    default: 9090,
    source: 'environment',
    place: 'SIMPLEMQ_PORT',
    variable: 'SIMPLEMQ_PORT',
    description: expect.any(String),
    changes: 'restart',
  });
  expect(rows).toContainEqual(
    expect.objectContaining({ key: 'logs.path', value: null, default: null, place: null }),
  );
});

test('flags override all else, as they do for serve', async () => {
  const args = ['settings', '--port', '7', '--data', 'here'];
  const { stdout } = await simplemq(args, { cwd: folder.path, env: { SIMPLEMQ_PORT: '9292' } });
  expect(stdout).toMatch(/^port +7 +9090 +--port$/m);
  expect(stdout).toMatch(/^storage\.path +\S+\/here +\.\/data +--data$/m);
});

test('a file can be named, as an argument or by --settings, but not twice', async () => {
  await mkdir(join(folder.path, 'etc'));
  await writeFile(join(folder.path, 'etc/broker.yaml'), 'port: 9191\n');
  for (const args of [['etc/broker.yaml'], ['--settings', 'etc/broker.yaml']]) {
    const { stdout } = await simplemq(['settings', ...args], { cwd: folder.path });
    expect(stdout).toMatch(/^port +9191 +9090 +etc\/broker\.yaml:1$/m);
  }
  const twice = await simplemq(['settings', 'a.yaml', '--settings', 'b.yaml'], { cwd: folder.path });
  expect(twice).toMatchObject({ code: 1, stdout: '' });
  expect(twice.stderr).toBe('simplemq: two settings files are named, a.yaml and b.yaml; name one\n');
});

test('each wrong setting is a line with file, line and key', async () => {
  await writeFile(join(folder.path, 'settings.yaml'), 'prot: 1\nport: many\n');
  const { code, stdout, stderr } = await simplemq(['settings'], { cwd: folder.path });
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(
    /^simplemq: settings\.yaml:1: "prot" is not a setting; .*port.*\nsimplemq: settings\.yaml:2: port is "many"; .*\n$/,
  );
});

test('a settings file that is named and not there is one line', async () => {
  const { code, stderr } = await simplemq(['settings', 'none.yaml'], { cwd: folder.path });
  expect(code).toBe(1);
  expect(stderr).toBe('simplemq: settings none.yaml: there is no such file\n');
});
