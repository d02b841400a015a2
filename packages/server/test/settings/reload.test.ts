import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeReloaded, encodeReload, FRAME_HEADER_BYTES, Opcode } from '@simplemq/protocol';
import { describeSettings, loadSettings, type SettingsInput } from '@simplemq/server';
import {
  RawPeer,
  startTestBroker,
  type TemporaryFolder,
  type TestBroker,
  temporaryFolder,
} from '@simplemq/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { reload } from '../../src/session/requests/operation.ts';
import type { RequestContext } from '../../src/session/requests/request.ts';
import { LiveSettings } from '../../src/settings/live-settings.ts';
import { FakeEngine } from '../fake-engine.ts';
import { LogLines } from '../log-lines.ts';

let folder: TemporaryFolder;
let settingsFile: string;

beforeEach(async () => {
  folder = await temporaryFolder();
  settingsFile = join(folder.path, 'settings.yaml');
});

afterEach(async () => {
  await folder[Symbol.asyncDispose]();
});

async function start(yaml: string, log = new LogLines()): Promise<TestBroker> {
  await writeFile(settingsFile, yaml);
  return startTestBroker({ engine: new FakeEngine(), settingsFile, logger: log.logger });
}

test('what may change does at once, and what cannot is named', async () => {
  const log = new LogLines();
  await using broker = await start('limits: { maxConnections: 10 }', log);
  await writeFile(settingsFile, 'limits: { maxConnections: 1, maxStreams: 7 }\nproducerWindowMs: 5000\n');
  await using peer = await RawPeer.open(broker);
  const { payload } = await peer.request(encodeReload(1), Opcode.Reloaded);
  const reloaded = {
    changed: ['limits.maxConnections'],
    needRestart: ['limits.maxStreams', 'producerWindowMs'],
  };
  expect(decodeReloaded(payload)).toEqual(reloaded);
  expect(await log.line('settings reloaded')).toMatchObject(reloaded);
  await using further = await RawPeer.connect(broker);
  await expect(further.hello()).rejects.toMatchObject({ code: 'TooManyConnections' });
  // What needs a restart is still told, as it still is so.
  expect(await broker.reload()).toEqual({ changed: [], needRestart: reloaded.needRestart });
});

test('settings with a mistake change nothing, and the answer and the log say why', async () => {
  const log = new LogLines();
  await using broker = await start('limits: { maxConnections: 10 }', log);
  await using peer = await RawPeer.open(broker);
  await writeFile(settingsFile, 'limits: { maxConnections: 1 }\nheartbeatMs: soon\n');
  peer.send(encodeReload(1));
  const error = await peer.expectError();
  expect(error).toMatchObject({
    code: 'InvalidOption',
    message: expect.stringContaining('heartbeatMs is "soon"'),
  });
  expect(error.message).not.toContain('\n');
  expect(await log.line('the settings are wrong, and stay as they were')).toMatchObject({ level: 50 });
  await using further = await RawPeer.open(broker);
  expect(further.isClosed).toBe(false);
});

test('a connection keeps the heartbeat and the limits that it was told; later ones are told the new', async () => {
  await using broker = await start('heartbeatMs: 20000\nlimits: { maxMessageBytes: 1MiB }\n');
  await using before = await RawPeer.open(broker);
  await writeFile(settingsFile, 'heartbeatMs: 40\nlimits: { maxMessageBytes: 2MiB }\n');
  await broker.reload();
  await using after = await RawPeer.connect(broker);
  expect(await after.hello()).toMatchObject({ heartbeatMs: 40, limits: { maxMessageBytes: 2 ** 21 } });
  // It is silent for three heartbeats, as the other need not be.
  await after.closed;
  expect(before.isClosed).toBe(false);
});

test('a client on another machine may not have it reload', async () => {
  const operation = { health: () => expect.fail(), reload: () => expect.fail() };
  const context = { operation, isLocal: false } as unknown as RequestContext;
  const payload = encodeReload(1).subarray(FRAME_HEADER_BYTES);
  await expect(reload(context, 1, payload)).rejects.toMatchObject({ code: 'Forbidden' });
});

test('the level of the log changes, also from silent', async () => {
  const logs = join(folder.path, 'logs');
  await writeFile(settingsFile, 'logs: { level: silent, path: logs }\n');
  await using broker = await startTestBroker({ engine: new FakeEngine(), settingsFile, logs: {} });
  await writeFile(settingsFile, 'logs: { level: info, path: logs }\n');
  expect(await broker.reload()).toEqual({ changed: ['logs.level'], needRestart: [] });
  await broker.close();
  const [file] = await readdir(logs);
  expect(await readFile(join(logs, file!), 'utf8')).toContain('settings reloaded');
});

/** Without these others may not be set. */
const TLS = { cert: 'cert.pem', key: 'key.pem', ca: 'ca.pem' };
/** Of settings that are one of some words, another word. */
const OTHER_WORDS: Readonly<Record<string, string>> = {
  'logs.level': 'error',
  'tls.clientCertificates': 'request',
};

test('every setting says when it changes, and a reload does as it says', () => {
  const load = (options: SettingsInput) => loadSettings({ environment: {}, options });
  for (const { key, value, changes } of describeSettings({ environment: {}, options: { tls: TLS } })) {
    const live = new LiveSettings(load({ tls: TLS }));
    const word = OTHER_WORDS[key] ?? 'another';
    const other = typeof value === 'number' ? value - 1 : typeof value === 'boolean' ? !value : word;
    if (value === undefined) continue;
    const [first, nested] = key.split('.') as [string, string?];
    const given = nested === undefined ? { [first]: other } : { [first]: { [nested]: other } };
    const options = { ...given, tls: { ...TLS, ...(given as SettingsInput).tls } } as SettingsInput;
    const { changed, needRestart } = live.apply(load(options));
    expect(changes === 'restart' ? needRestart : changed).toContain(key);
  }
});
