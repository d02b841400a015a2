import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadSettings, SettingsError } from '@simplemq/server';
import { spawnBroker, startTestBroker, temporaryFolder } from '@simplemq/testkit';
import { expect, test } from 'vitest';

/** Known attacks on readers of YAML, and what goes wrong by itself, in a settings file. */

/** Of processor time: the machine may be busy with something else. Measured, the worst of these takes a third. */
const READ_MS_MAX = 4_000;
/** Beyond what the process had taken before, at the worst moment. */
const MEMORY_MB_MAX = 256;
/** The largest file that is read. */
const FILE_BYTES = 64 * 1024;

const full = (piece: string): string => piece.repeat(Math.floor(FILE_BYTES / piece.length));
const lines = (line: (number: number) => string): string => {
  let text = '';
  for (let number = 0; text.length < FILE_BYTES - 100; number++) text += `${line(number)}\n`;
  return text;
};
const nine = (item: string): string => Array(9).fill(item).join(', ');
const LAUGHS = Array.from({ length: 10 }, (_, i) => `&a${i} [${i === 0 ? nine('x') : nine(`*a${i - 1}`)}]`);

async function problemsOf(text: string | Uint8Array): Promise<readonly string[]> {
  await using folder = await temporaryFolder();
  const settingsFile = join(folder.path, 'settings.yaml');
  await writeFile(settingsFile, text);
  try {
    loadSettings({ settingsFile, environment: {} });
    return [];
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    return error.problems;
  }
}

const REFUSED: readonly (readonly [string, string | Uint8Array])[] = [
  ['a billion laughs as a value', `host: [${LAUGHS.join(', ')}]`],
  [
    'a billion laughs beside the settings',
    `${LAUGHS.map((list, i) => `a${i}: ${list}`).join('\n')}\nhost: *a9`,
  ],
  ['a billion laughs of maps', `limits: &a {b: ${LAUGHS[0]}}\nstorage: {<<: *a}`],
  ['a list that is in itself', 'host: &a [*a, *a, *a]'],
  ['a map that is in itself', 'limits: &a {limits: *a, maxStreams: *a}'],
  ['an anchor on each line', lines((i) => `k${i}: &a${i} *a${i}`)],
  ['an anchor and an alias on each line', lines((i) => `&a${i} k${i}: *a${Math.max(i - 1, 0)}`)],
  ['lists, as deep as the file is long', `host: ${full('[').slice(10)}`],
  ['lists in lists, and closed again', `host: ${'['.repeat(32_000)}${']'.repeat(32_000)}`],
  ['maps, as deep as the file is long', full('{a: ')],
  ['lists of lines', full('- ')],
  ['keys of keys', full('? ')],
  ['deeper by a space on each line', lines((i) => `${' '.repeat(i)}a:`)],
  ['a key on each line', lines((i) => `k${i}: 1`)],
  ['the same key on each line', lines(() => 'port: 1')],
  ['keys of a flow, all alike', `host: {${full('a,').slice(20)}}`],
  ['commas', `host: [${full(',').slice(20)}`],
  ['a mistake on each line', lines(() => 'x: ]')],
  ['a directive on each line', full('%a\n')],
  ['a document on each line', full('---\n')],
  ['tags', full('!')],
  ['anchors', full('& ')],
  ['a key as long as the file', `${full('k').slice(10)}: 1`],
  ['a value as long as the file', `storage: {path: "${full('k').slice(100)}"}`],
  ['spaces within a size', `limits: {maxFrameBytes: "1${full(' ').slice(100)}!"}`],
  ['a number without end', `port: ${full('9').slice(10)}`],
  ['a number past all', 'port: 1e999'],
  ['a number that is none', 'port: .nan'],
  ['less than nothing', 'port: -1'],
  ['__proto__ as a setting', '__proto__: {polluted: 1}'],
  ['__proto__ within a group', 'limits: {__proto__: {polluted: 1}}'],
  ['__proto__ within a value', 'host: {__proto__: {polluted: 1}}'],
  ['constructor and its prototype', 'constructor: {prototype: {polluted: 1}}'],
  ['a map to merge', '%YAML 1.1\n---\nlimits: {<<: {__proto__: {polluted: 1}}}'],
  ['a tag of JavaScript', 'port: !!js/function "function () { return 1 }"'],
  ['a tag of Python', 'port: !!python/object/apply:os.system ["id"]'],
  ['bytes', '%YAML 1.1\n---\nhost: !!binary aGVsbG8='],
  ['a setting twice', 'port: 1\nport: 2'],
  ['a setting twice, once by its long name', 'limits: {maxStreams: 5}\nlimits.maxStreams: 4'],
  ['tabs', 'limits:\n\tmaxStreams: 5'],
  ['NUL', 'host: "a\\0b"'],
  ['NUL in the file', 'host: a\0b'],
  ['a BOM in the middle', 'port: 1\n\ufeffhost: x'],
  ['UTF-16', Buffer.from('\ufeffport: 1', 'utf16le')],
  ['Latin-1', Buffer.from('storage: {path: caf\u00e9}', 'latin1')],
  ['bytes that are no text', Buffer.alloc(FILE_BYTES, 0xff)],
  ['NUL and nothing else', Buffer.alloc(FILE_BYTES)],
  ['more than a file may have', Buffer.alloc(FILE_BYTES + 1, 0x23)],
];

test.each(REFUSED)('%s: told in few short lines, in a bounded time and memory', async (_, text) => {
  const peakBefore = process.resourceUsage().maxRSS;
  const cpuBefore = process.cpuUsage();
  const problems = await problemsOf(text);
  const { user, system } = process.cpuUsage(cpuBefore);
  expect((user + system) / 1_000).toBeLessThan(READ_MS_MAX);
  expect((process.resourceUsage().maxRSS - peakBefore) / 1024).toBeLessThan(MEMORY_MB_MAX);
  expect(problems.length).toBeGreaterThan(0);
  expect(problems.length).toBeLessThan(30);
  for (const problem of problems) expect(problem).toMatch(/^[^\n]*settings\.yaml[^\p{Cc}]{5,400}$/u);
  expect(({} as { polluted?: number }).polluted).toBeUndefined();
});

test.each([
  ['a BOM at the beginning', '\ufeffport: 1'],
  ['comments, as many as there is room for', full('#\n')],
  ['nothing', ''],
  ['lines that end as on Windows', 'port: 1\r\nhost: localhost\r\n'],
])('%s is no mistake', async (_, text) => {
  expect(await problemsOf(text)).toEqual([]);
});

const SECRET = 'MC4CAQAwBQYDK2VwBCIEIH';

test.each([
  [
    'as text',
    `tls:\n  cert: x\n  key: |\n    -----BEGIN PRIVATE KEY-----\n    ${SECRET}\n    -----END PRIVATE KEY-----\n`,
  ],
  [
    'folded',
    `tls:\n  cert: x\n  key: -----BEGIN PRIVATE KEY-----\n    ${SECRET}\n    -----END PRIVATE KEY-----\n`,
  ],
  [
    'indented wrongly',
    `tls:\n  cert: x\n  key: |\n    -----BEGIN PRIVATE KEY-----\n${SECRET}\n-----END PRIVATE KEY-----\n`,
  ],
  ['in quotes', `tls: {cert: x, key: "-----BEGIN PRIVATE KEY-----\\n${SECRET}\\n-----END PRIVATE KEY-----"}`],
  ['at another setting', `host: "-----BEGIN PRIVATE KEY-----\\n${SECRET}"`],
  ['as a password of what is no setting', `users: {admin: ${SECRET}}`],
  ['as a password within a setting', `host: {password: ${SECRET}}`],
])('a key in place of the name of its file is not shown: %s', async (_, text) => {
  const problems = await problemsOf(text);
  expect(problems.length).toBeGreaterThan(0);
  expect(problems.join('\n')).not.toContain(SECRET);
});

test('a broker whose settings file turns into any of these runs on as it was, and says so', async () => {
  await using folder = await temporaryFolder();
  const settingsFile = join(folder.path, 'settings.yaml');
  await writeFile(settingsFile, 'logs: {level: silent}');
  await using broker = await startTestBroker({ settingsFile });
  for (const text of [
    'host: *nope',
    'host: [*nope]',
    'host: &a [*a]',
    `host: [${LAUGHS.join(', ')}]`,
    full('{a: '),
  ]) {
    await writeFile(settingsFile, text);
    await expect(broker.reload()).rejects.toMatchObject({
      code: 'InvalidOption',
      message: expect.stringMatching(/^the settings stay as they were: .*settings\.yaml/),
    });
  }
});

test('a broker that is started with any of these ends with a line, not with a stack', async () => {
  const limits = { maxStreams: '9'.repeat(1_000) as unknown as number };
  const error = await spawnBroker({ limits, host: 'a\0b' }).then(
    () => expect.fail('it started'),
    (error: Error) => error,
  );
  expect(error.message).toMatch(
    /ended with code 1 .*: startServer: host is text with .*\nstartServer: limits.maxStreams is "9{60,80}…/,
  );
});
