import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startTestBroker, type TemporaryFolder, temporaryFolder } from '@simplemq/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Running, simplemq, startSimplemq } from '../simplemq.ts';

let folder: TemporaryFolder;
let file: string;

beforeEach(async () => {
  folder = await temporaryFolder();
  file = join(folder.path, 'settings.yaml');
});

afterEach(async () => {
  await folder[Symbol.asyncDispose]();
});

async function serve(): Promise<Running & { port: number }> {
  await writeFile(file, 'logs: { level: info }\n');
  const running = startSimplemq(['serve', file, '--port', '0', '--data', ':memory:', '--json']);
  await running.said('stdout', /\n/);
  return Object.assign(running, { port: (JSON.parse(running.stdout) as { port: number }).port });
}

test('health is exit code 0 with one line when the broker is ready, and 1 with why when it is not there', async () => {
  const broker = await startTestBroker();
  const port = `--port=${broker.port}`;
  const ready = await simplemq(['health', port]);
  expect(ready).toMatchObject({ code: 0, stderr: '' });
  expect(ready.stdout).toMatch(/^ready: SimpleMQ \d.*, up since .*\n$/);
  const { stdout } = await simplemq(['health', port, '--json']);
  expect(JSON.parse(stdout)).toMatchObject({ ready: true, state: 'ready', reason: null });
  await broker[Symbol.asyncDispose]();
  const gone = await simplemq(['health', port]);
  expect(gone).toMatchObject({ code: 1, stdout: '' });
  expect(gone.stderr).toMatch(/^simplemq: could not connect to .*\n$/);
});

test('reload names what changed and what needs a restart, and a mistake is one line', async () => {
  await using broker = await serve();
  const port = `--port=${broker.port}`;
  expect(await simplemq(['reload', port])).toMatchObject({ code: 0, stdout: 'nothing changed\n' });
  await writeFile(file, 'logs: { level: warn }\nallowRemote: true\n');
  expect(await simplemq(['reload', port])).toMatchObject({
    code: 0,
    stdout: 'changed: logs.level\nneeds a restart: allowRemote\n',
  });
  await writeFile(file, 'logs: { level: loud }\n');
  const wrong = await simplemq(['reload', port]);
  expect(wrong).toMatchObject({ code: 1, stdout: '' });
  expect(wrong.stderr).toMatch(
    /^simplemq: InvalidOption: the settings stay as they were: .*settings\.yaml:1: logs\.level is "loud"; .*\n$/,
  );
});

test('SIGHUP has serve read its settings again, and a mistake in them does not stop it', async () => {
  await using broker = await serve();
  await writeFile(file, 'logs: { level: info }\nproducerWindowMs: 5000\n');
  broker.child.kill('SIGHUP');
  await broker.said('stderr', /settings reloaded/);
  expect(broker.stderr).toMatch(/"needRestart":\["producerWindowMs"\]/);
  await writeFile(file, 'prot: 1\n');
  broker.child.kill('SIGHUP');
  await broker.said('stderr', /the settings are wrong/);
  expect(await simplemq(['health', `--port=${broker.port}`])).toMatchObject({ code: 0 });
});
