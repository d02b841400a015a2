import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeSettings, loadSettings, SettingsError } from '@simplemq/server';
import { temporaryFolder } from '@simplemq/testkit';
import { expect, test } from 'vitest';

const MIB = 2 ** 20;

async function problemsOf(yaml: string | Uint8Array): Promise<readonly string[]> {
  await using folder = await temporaryFolder();
  const settingsFile = join(folder.path, 'settings.yaml');
  await writeFile(settingsFile, yaml);
  try {
    loadSettings({ settingsFile, environment: {} });
    return [];
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    return error.problems.map((problem) => problem.replace(`${folder.path}/`, ''));
  }
}

test.each([
  ['port: 9090\nprot: 1', ['settings.yaml:2: "prot" is not a setting; did you mean port?']],
  [
    'limits:\n  maxConections: 1',
    ['settings.yaml:2: "limits.maxConections" is not a setting; did you mean limits.maxConnections?'],
  ],
  [
    'unheardOfThing: 1',
    ['settings.yaml:1: "unheardOfThing" is not a setting; \'simplemq settings\' lists them'],
  ],
  ['# a comment\nport: abc', ['settings.yaml:2: port is "abc"; it must be a whole number from 0 to 65535']],
  ['port: 70000', ['settings.yaml:1: port is 70000; it must be a whole number from 0 to 65535']],
  ['port:', ['settings.yaml:1: port is null; it must be a whole number from 0 to 65535']],
  ['host: [a]', ['settings.yaml:1: host is a list; it must be the name or address to listen on']],
  ['limits: 3', ['settings.yaml:1: limits must be a map of keys and values']],
  ['- port', ['settings.yaml:1: the settings must be a map of keys and values']],
  [
    'logs:\n  level: loud',
    [expect.stringMatching(/^settings.yaml:2: logs.level is "loud"; it must be one of trace/)],
  ],
  [
    'storage:\n  path: x\n  cacheBytesMax: 64 potatoes',
    [expect.stringMatching(/^settings.yaml:3: storage.cacheBytesMax is "64 potatoes"; .* as 64MiB/)],
  ],
  ['allowRemote: 1', ['settings.yaml:1: allowRemote is 1; it must be true or false']],
  ['heartbeatMs: 1', [expect.stringMatching(/^settings.yaml:1: heartbeatMs is 1; .*milliseconds/)]],
  ['port: 1\nport: 2', ['settings.yaml:2: port is given twice']],
  ['host: "a', [expect.stringMatching(/^settings.yaml:1: is not YAML/)]],
  [
    'limits:\n  maxMessageBytes: 16MiB\n  maxFrameBytes: 1MiB',
    [
      expect.stringMatching(
        /^settings.yaml:3: limits.maxFrameBytes is "1MiB"; it must be 16781312 or more: limits.maxMessageBytes/,
      ),
    ],
  ],
  [
    'limits:\n  maxMessageBytes: 100000\n  maxFrameBytes: 104095',
    [
      'settings.yaml:3: limits.maxFrameBytes is 104095; it must be 104096 or more: limits.maxMessageBytes, which is 100000, and 4096',
    ],
  ],
  [
    'limits:\n  maxUnconfirmedBatches: 65537',
    ['settings.yaml:2: limits.maxUnconfirmedBatches is 65537; it must be a whole number from 1 to 65536'],
  ],
  [
    'port: x\nhost: 3',
    [expect.stringMatching(/^settings.yaml:2: host/), expect.stringMatching(/^settings.yaml:1: port/)],
  ],
])('a wrong settings file is told by file, line, key and what was expected: %j', async (yaml, problems) => {
  expect(await problemsOf(yaml)).toEqual(problems);
});

test.each<[string, string, string]>([
  [
    'a value that is an alias of nothing',
    'host: *nope',
    '1: host is an alias, *nope, without an anchor before it',
  ],
  [
    'a group that is an alias of nothing',
    'limits: *nope',
    '1: limits is an alias, *nope, without an anchor before it',
  ],
  [
    'an alias of nothing in a list',
    'host: [*nope]',
    '1: host is a list; it must be the name or address to listen on',
  ],
  [
    'a list that is in itself',
    'host: &a [*a]',
    '1: host is a list; it must be the name or address to listen on',
  ],
  [
    'a setting under both of its names',
    'limits.maxStreams: 4\nlimits: {maxStreams: 5}',
    '2: limits.maxStreams is given twice',
  ],
  ['a key that is a list', '? [a]\n: 1', "1: a setting's name must be a word"],
  ['a key to merge', '%YAML 1.1\n---\n<<: {port: 1}', "3: a setting's name must be a word"],
  ['a number without end', 'port: .inf', '1: port is Infinity; it must be a whole number from 0 to 65535'],
  [
    'a path with a NUL',
    'storage: {path: "a\\0b"}',
    '1: storage.path is text with line breaks or control characters; it must be a folder',
  ],
])('%s is told in a line', async (_, yaml, problem) => {
  expect(await problemsOf(yaml)).toEqual([`settings.yaml:${problem}`]);
});

test('a file cannot write to the terminal of who reads its mistakes', async () => {
  expect(await problemsOf('host: "\\x\u001b]0;owned\u0007"')).toEqual([
    'settings.yaml:1: is not YAML: Invalid escape sequence \\x\ufffd]',
  ]);
});

test('a file that is not UTF-8 is refused, rather than that its names are read as others', async () => {
  const latin1 = Buffer.from('storage: {path: ./caf\u00e9}', 'latin1');
  expect(await problemsOf(latin1)).toEqual(['settings settings.yaml: it is not UTF-8; save it as that']);
});

test('a file of nothing but mistakes is told by the first of them', async () => {
  const problems = await problemsOf(Array.from({ length: 2_000 }, (_, i) => `unknown${i}: 1`).join('\n'));
  expect(problems).toHaveLength(21);
  expect(problems.at(-1)).toBe('settings.yaml: there are more mistakes than these 20');
});

test('as many mistakes as are told are not said to be more', async () => {
  const mistakes = Array.from({ length: 20 }, (_, i) => `unknown${i}: 1`);
  const problems = await problemsOf([...mistakes, 'port: 1'].join('\n'));
  expect(problems).toHaveLength(20);
  expect(problems.at(-1)).toContain('unknown19');
});

test.runIf(existsSync('/dev/zero'))('a settings file that is a device without end is refused', () => {
  expect(() => loadSettings({ settingsFile: '/dev/zero', environment: {} })).toThrow(
    'larger than 65536 bytes',
  );
});

test('a wrong option that has no JSON is told in a line', () => {
  const circular: { self?: object } = {};
  circular.self = circular;
  const options = { port: 9090n, host: circular } as object;
  expect(() => loadSettings({ environment: {}, options })).toThrow(
    /^startServer: host is an object; .*\nstartServer: port is 9090; it must be a whole number/,
  );
});

test.each(['', '# nothing', 'limits:\n  # maxConnections: 3', 'storage: {}'])(
  'a file may set nothing: %j',
  async (yaml) => {
    expect(await problemsOf(yaml)).toEqual([]);
  },
);

test('a file that is not there is one clear line', () => {
  expect(() => loadSettings({ settingsFile: '/nowhere/settings.yaml', environment: {} })).toThrow(
    'settings /nowhere/settings.yaml: there is no such file',
  );
});

test('the defaults', () => {
  const settings = loadSettings({ environment: {} });
  expect(settings).toMatchObject({ host: 'localhost', port: 9090, allowRemote: false });
  expect(settings.storage).toEqual({
    path: join(process.cwd(), 'data'),
    cacheBytesMax: 32 * MIB,
    maxBytes: undefined,
    slowAfterMs: 30_000,
  });
  expect(settings.limits).toMatchObject({ maxConnections: 10_000, maxMessageBytes: 8 * MIB });
});

test('code overrides the environment, which overrides the file, which overrides the defaults', async () => {
  await using folder = await temporaryFolder();
  const settingsFile = join(folder.path, 'settings.yaml');
  await writeFile(settingsFile, 'host: 127.0.0.1\nport: 1\nheartbeatMs: 111\nlogs: { level: warn }');
  const environment = { SIMPLEMQ_PORT: '2', SIMPLEMQ_HEARTBEAT_MS: '222', SIMPLEMQ_LOGS_LEVEL: '' };
  const options = { heartbeatMs: 333, port: undefined };
  expect(loadSettings({ settingsFile, environment, options })).toMatchObject({
    host: '127.0.0.1',
    port: 2,
    heartbeatMs: 333,
    handshakeTimeoutMs: 5_000,
    logs: { level: 'warn' },
  });
  const described = describeSettings({ settingsFile, environment, options });
  const placeOf = (key: string) => described.find((setting) => setting.key === key);
  expect(placeOf('host')).toMatchObject({ source: 'file', place: `${settingsFile}:1`, default: 'localhost' });
  expect(placeOf('port')).toMatchObject({ source: 'environment', place: 'SIMPLEMQ_PORT', value: 2 });
  expect(placeOf('heartbeatMs')).toMatchObject({ source: 'code', value: 333, default: 10_000 });
  expect(placeOf('limits.maxStreams')).toMatchObject({
    source: 'default',
    variable: 'SIMPLEMQ_LIMITS_MAX_STREAMS',
  });
});

test('every setting is described in a line', () => {
  for (const { key, description } of describeSettings({ environment: {} })) {
    expect(description, key).toMatch(/^[^\n]{10,160}\.$/);
  }
});

test('a wrong variable is named', () => {
  const environment = { SIMPLEMQ_LIMITS_MAX_CONNECTIONS: 'many', SIMPLEMQ_ALLOW_REMOTE: 'yes' };
  expect(() => loadSettings({ environment })).toThrow(
    /^SIMPLEMQ_ALLOW_REMOTE is "yes"; it must be true or false\nSIMPLEMQ_LIMITS_MAX_CONNECTIONS is "many"; it must be/,
  );
});

test('a wrong option of startServer is named', () => {
  const options = { prot: 1, limits: { maxConnections: 0 } } as object;
  expect(() => loadSettings({ environment: {}, options })).toThrow(
    /^startServer: "prot" is not a setting; did you mean port\?\nstartServer: limits.maxConnections is 0;/,
  );
});

test.each([
  ['64MiB', 64 * MIB],
  ['8 MB', 8_000_000],
  ['1.5 GiB', 1_536 * MIB],
  ['2097152', 2 * MIB],
  [3 * MIB, 3 * MIB],
])('a size may be written as %j', (cacheBytesMax, bytes) => {
  const settings = loadSettings({ environment: {}, options: { storage: { cacheBytesMax } } });
  expect(settings.storage.cacheBytesMax).toBe(bytes);
  const environment = { SIMPLEMQ_STORAGE_CACHE_BYTES_MAX: String(cacheBytesMax) };
  expect(loadSettings({ environment }).storage.cacheBytesMax).toBe(bytes);
});

test('a frame has room for the largest message unless it is set', () => {
  const settings = loadSettings({ environment: {}, options: { limits: { maxMessageBytes: '32MiB' } } });
  expect(settings.limits.maxFrameBytes).toBe(32 * MIB + 256 * 1024);
});

test('a delivery and some pages may wait for a client, and no less can be set', async () => {
  const outgoing = (sources: Parameters<typeof loadSettings>[0]) =>
    loadSettings({ environment: {}, ...sources }).limits.maxOutgoingBytes;
  expect(outgoing({})).toBe(64 * MIB);
  expect(outgoing({ options: { limits: { maxFrameBytes: '100MiB' } } })).toBe(501 * MIB);
  const limits = { maxMessageBytes: 1024, maxOutgoingBytes: '3MiB' };
  expect(outgoing({ options: { limits } })).toBe(3 * MIB);
  expect(await problemsOf('limits:\n  maxOutgoingBytes: 40MiB')).toEqual([
    'settings.yaml:2: limits.maxOutgoingBytes is "40MiB"; it must be 44302336 or more: 1 MiB and 5 times ' +
      'limits.maxFrameBytes, which is 8650752',
  ]);
});

test('a relative path counts from the settings file, and otherwise from the working folder', async () => {
  await using folder = await temporaryFolder();
  const settingsFile = join(folder.path, 'settings.yaml');
  await writeFile(settingsFile, 'storage: { path: ./here }\nlogs: { path: logs }');
  const { storage, logs } = loadSettings({ settingsFile, environment: {} });
  expect([storage.path, logs.path]).toEqual([join(folder.path, 'here'), join(folder.path, 'logs')]);
  const environment = { SIMPLEMQ_STORAGE_PATH: 'there' };
  expect(loadSettings({ settingsFile, environment }).storage.path).toBe(join(process.cwd(), 'there'));
  expect(loadSettings({ environment: {}, options: { storage: { path: ':memory:' } } }).storage.path).toBe(
    ':memory:',
  );
});
