import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startServer, UserEditor } from '@simplemq/server';
import { temporaryFolder } from '@simplemq/testkit';
import { expect, test } from 'vitest';
import { readUserFile } from '../../src/users/user-file.ts';

test('what was added is there for the next who looks, readable by its owner alone, and has no secret in it', async () => {
  await using folder = await temporaryFolder();
  const users = new UserEditor(folder.path);
  await users.add('ann', 'correct horse');
  await users.grant('ann', ['publish'], 'orders');
  await users.grant('ann', ['follow'], 'orders');
  const token = await users.addToken('ann', 'ci', new Date('2040-01-01'));
  const [ann] = await new UserEditor(folder.path).list();
  expect(ann).toMatchObject({
    name: 'ann',
    hasPassword: true,
    grants: [{ pattern: 'orders', rights: ['publish', 'follow'] }],
  });
  expect(ann?.tokens).toMatchObject([{ name: 'ci', endsAt: new Date('2040-01-01') }]);
  expect((await stat(users.file)).mode & 0o777).toBe(0o600);
  expect(await readdir(folder.path)).toEqual(['users.json']);
  const text = await readFile(users.file, 'utf8');
  for (const secret of ['correct horse', token, token.slice(4)]) expect(text).not.toContain(secret);
});

test('a folder is made for the first user, so that a broker can begin with users', async () => {
  await using folder = await temporaryFolder();
  const users = new UserEditor(join(folder.path, 'new', 'data'));
  await users.add('ann', 'correct horse');
  expect(await users.list()).toHaveLength(1);
  // For the broker's user alone, as the broker makes it.
  expect((await stat(join(folder.path, 'new', 'data'))).mode & 0o777).toBe(0o700);
});

test('a change that is cut off leaves the users as they were, and the next one says what to do', async () => {
  await using folder = await temporaryFolder();
  const users = new UserEditor(folder.path);
  await users.add('ann');
  await writeFile(`${users.file}.new`, '{"format": 1, "us');
  await expect(users.add('bob')).rejects.toThrow(/users\.json\.new exists.*delete that file first/);
  expect((await users.list()).map(({ name }) => name)).toEqual(['ann']);
});

test('changes at the same time are all made, or refused', async () => {
  await using folder = await temporaryFolder();
  const users = new UserEditor(folder.path);
  await mkdir(folder.path, { recursive: true });
  const names = Array.from({ length: 20 }, (_, index) => `user${index}`);
  const results = await Promise.allSettled(names.map((name) => users.add(name)));
  const added = names.filter((_, index) => results[index]?.status === 'fulfilled');
  expect(added.length).toBeGreaterThan(0);
  expect((await users.list()).map(({ name }) => name)).toEqual(added.toSorted());
});

test.each<[string, (users: UserEditor) => Promise<unknown>, RegExp]>([
  ['a user who is there', (users) => users.add('ann'), /there is a user ann already/],
  ['a name that is none', (users) => users.add('ann\n'), /cannot be a user/],
  ['a short password', (users) => users.add('bob', 'short'), /8 to 1024 characters/],
  ['a password like a token', (users) => users.add('bob', 'smq_password'), /does not begin with smq_/],
  ['a user who is not there', (users) => users.remove('bob'), /there is no user "bob"/],
  ['a pattern that is none', (users) => users.grant('ann', ['publish'], '('), /pattern/],
  ['a right that was not given', (users) => users.revoke('ann', ['publish'], 'orders'), /was not granted/],
  ['a token that is not there', (users) => users.removeToken('ann', 'ci'), /no token ci/],
])('%s is refused in one line, and changes nothing', async (_what, change, message) => {
  await using folder = await temporaryFolder();
  const users = new UserEditor(folder.path);
  await users.add('ann');
  const before = await readFile(users.file, 'utf8');
  await expect(change(users)).rejects.toThrow(message);
  expect(await readFile(users.file, 'utf8')).toBe(before);
  expect(await readdir(folder.path)).toEqual(['users.json']);
});

test.each([
  ['is no JSON', '{'],
  ['is of another format', '{"format":2,"users":[]}'],
  [
    'has a field that nobody knows',
    '{"format":1,"users":[{"name":"ann","grants":[],"tokens":[],"root":"geheim"}]}',
  ],
  [
    'has a user twice',
    '{"format":1,"users":[{"name":"a","grants":[],"tokens":[]},{"name":"a","grants":[],"tokens":[]}]}',
  ],
  ['asks for more memory than a login may take', withPassword({ N: 2 ** 24, r: 8, p: 1 })],
  [
    'has a pattern that is none',
    '{"format":1,"users":[{"name":"a","grants":[{"pattern":"(","rights":["follow"]}],"tokens":[]}]}',
  ],
])('a file that %s keeps the broker from starting, and what is in it is not told', async (_what, text) => {
  await using folder = await temporaryFolder();
  await writeFile(join(folder.path, 'users.json'), text);
  const started = startServer({ port: 0, storage: { path: folder.path }, logs: { level: 'silent' } });
  const error = await started.then(
    () => expect.fail('it started'),
    (thrown: Error) => thrown,
  );
  expect(error).toMatchObject({ code: 'UsersNotReadable' });
  expect(error.message).not.toContain('geheim');
  expect(error.message).not.toContain('\n');
});

test('no file is no users', async () => {
  await using folder = await temporaryFolder();
  expect(await readUserFile(join(folder.path, 'users.json'))).toBeUndefined();
});

function withPassword(parameters: object): string {
  const password = { ...parameters, salt: '00'.repeat(16), hash: '00'.repeat(32) };
  return JSON.stringify({ format: 1, users: [{ name: 'a', password, grants: [], tokens: [] }] });
}
