import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UserEditor } from '@simplemq/server';
import { startTestBroker, type TemporaryFolder, TestAuthority, temporaryFolder } from '@simplemq/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { simplemq } from '../simplemq.ts';

let folder: TemporaryFolder;

beforeEach(async () => {
  folder = await temporaryFolder();
});

afterEach(() => folder[Symbol.asyncDispose]());

function user(args: readonly string[], input = ''): ReturnType<typeof simplemq> {
  return simplemq(['user', ...args, '--data', folder.path], { input });
}

test('a user that is added and granted something can do that, and nothing else, while the broker runs', async () => {
  await using broker = await startTestBroker({ storage: { path: folder.path } });
  const port = ['--port', String(broker.port)];
  expect(await simplemq(['create', 'orders', ...port])).toMatchObject({ code: 0 });
  const added = await user(['add', 'ann'], 'correct horse\r\nanother line\n');
  expect(added).toMatchObject({ code: 0, stderr: '' });
  expect(added.stdout).not.toContain('horse');
  expect(await user(['grant', 'ann', 'worker', 'orders'])).toMatchObject({
    code: 0,
    stdout: 'ann may publish, follow on streams named orders\n',
  });
  await broker.reload();
  expect((await simplemq(['streams', ...port])).stderr).toMatch(/^simplemq: Unauthenticated: .*\n$/);
  const env = { SIMPLEMQ_PASSWORD: 'correct horse' };
  const publish = ['publish', 'orders', '--message', 'hello', ...port, '--user', 'ann'];
  expect(await simplemq(publish, { env })).toMatchObject({ code: 0 });
  const purged = await simplemq(['purge', 'orders', '--yes', ...port, '--user', 'ann'], { env });
  expect(purged.stderr).toMatch(/^simplemq: Forbidden: the user ann may not manage "orders".*\n$/);
  expect(await user(['revoke', 'ann', 'publish', 'orders'])).toMatchObject({ code: 0 });
  await broker.reload();
  expect((await simplemq(publish, { env })).stderr).toMatch(/Forbidden/);
  expect(await readFile(join(folder.path, 'users.json'), 'utf8')).not.toContain('horse');
});

test('a token is printed alone, once, and comes in place of the password', async () => {
  const users = new UserEditor(folder.path);
  await users.add('bot');
  await users.grant('bot', ['admin'], '.*');
  const made = await user(['token', 'bot', 'ci', '--ends', '30d']);
  expect(made.stdout).toMatch(/^smq_[\w-]{43}\n$/);
  expect(made.stderr).toMatch(/^it ends \S+ \(in 29 d 23 h\); it cannot be shown again\n$/);
  await using broker = await startTestBroker({ storage: { path: folder.path } });
  const args = ['streams', '--json', '--port', String(broker.port), '--user', 'bot'];
  const env = { SIMPLEMQ_PASSWORD: made.stdout.trim() };
  expect(await simplemq(args, { env })).toMatchObject({ code: 0, stdout: '[]\n' });
  expect(await user(['token', 'bot', 'ci', '--remove'])).toMatchObject({ code: 0 });
  await broker.reload();
  expect((await simplemq(args, { env })).stderr).toMatch(/Unauthenticated/);
});

test('the list shows who may do what, and nothing that is secret', async () => {
  expect((await user([])).stdout).toMatch(/^no users: /);
  const users = new UserEditor(folder.path);
  await users.add('ann', 'correct horse');
  await users.grant('ann', ['publish'], 'orders\\.eu');
  await user(['grant', 'ann', 'follow', '--regex', 'reports\\..+']);
  await user(['token', 'ann', 'laptop', '--ends', 'never']);
  const { stdout } = await user(['list']);
  expect(stdout).toMatch(/^USER +PASSWORD +RIGHTS +ON STREAMS +TOKENS\n/);
  expect(stdout).toMatch(
    /^ann +yes +publish +orders\\\.eu +laptop \(no end\)\n +follow +reports\\\.\.\+\n$/m,
  );
  const json = (await user(['list', '--json'])).stdout;
  expect(JSON.parse(json)).toMatchObject([{ name: 'ann', hasPassword: true, tokens: [{ name: 'laptop' }] }]);
  expect(json).not.toMatch(/[0-9a-f]{32}/);
});

test('a name that looks like a pattern is taken as it is, and the regular expression for it is shown', async () => {
  const users = new UserEditor(folder.path);
  await users.add('ann');
  const hint = (name: string, example: string) =>
    `"${name}" is one stream's name, taken as it is; for every stream whose whole name matches, --regex takes a ` +
    `regular expression: --regex '${example}'`;
  const granted = await user(['grant', 'ann', 'publish', 'ord*']);
  expect(granted).toMatchObject({
    code: 0,
    stdout: 'ann may publish on streams named ord\\*\n',
    stderr: `simplemq: ${hint('ord*', 'ord.*')}\n`,
  });
  expect(await user(['revoke', 'ann', 'publish', 'inv*'])).toMatchObject({
    code: 1,
    stderr: `simplemq: ann was not granted publish on "inv\\\\*"; ${hint('inv*', 'inv.*')}\n`,
  });
  expect(await user(['revoke', 'ann', 'publish', 'ord*'])).toMatchObject({ code: 0, stderr: '' });
  // No stream can have the name.
  expect(await user(['grant', 'ann', 'publish', '../*'])).toMatchObject({
    code: 1,
    stderr:
      `simplemq: the stream name "../*" has '.' or '..' as a path segment; ` +
      `${hint('../*', '\\.\\./.*')}\n`,
  });
  expect(await users.list()).toMatchObject([{ name: 'ann', grants: [] }]);
});

test('what cannot be done is one line, and nothing has changed', async () => {
  const users = new UserEditor(folder.path);
  await users.add('ann');
  const outcomes = await Promise.all([
    user(['add', 'bob']),
    user(['remove', 'bob']),
    user(['grant', 'ann', 'everything', 'orders']),
    user(['grant', 'ann', 'publish']),
    user(['token', 'ann', 'ci', '--ends', '2001-01-01']),
    simplemq(['user', 'list', '--data', ':memory:']),
  ]);
  expect(outcomes.map(({ stderr }) => stderr)).toEqual([
    'simplemq: standard input is empty; a password is to be its first line\n',
    'simplemq: there is no user "bob"\n',
    expect.stringMatching(/^simplemq: "everything" is no list of rights; there are publish, follow, .*\n$/),
    'simplemq: name a stream, or give --regex <pattern>\n',
    'simplemq: --ends is in the past\n',
    expect.stringMatching(/^simplemq: a broker that keeps its data in memory only has no users; .*\n$/),
  ]);
  expect(new Set(outcomes.map(({ code }) => code))).toEqual(new Set([1]));
  expect(await users.list()).toMatchObject([{ name: 'ann', grants: [], tokens: [] }]);
});

test('a command speaks TLS to a broker whose certificate --tls-ca has signed', async () => {
  const authority = new TestAuthority();
  const { cert, key } = authority.issue();
  const file = (name: string) => join(folder.path, name);
  await writeFile(file('cert.pem'), cert);
  await writeFile(file('key.pem'), key);
  await writeFile(file('ca.pem'), authority.cert);
  await using broker = await startTestBroker({ tls: { cert: file('cert.pem'), key: file('key.pem') } });
  const args = ['streams', '--json', '--port', String(broker.port)];
  const [trusting, half] = await Promise.all([
    simplemq([...args, '--tls-ca', file('ca.pem')]),
    simplemq([...args, '--tls-cert', file('cert.pem')]),
  ]);
  expect(trusting).toMatchObject({ code: 0, stdout: '[]\n' });
  expect(half.stderr).toMatch(/go together/);
});
