import { once } from 'node:events';
import { rename, writeFile } from 'node:fs/promises';
import { connect as connectPlain } from 'node:net';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { Bind, Connection, Publisher } from '@simplemq/client';
import type { SettingsInput } from '@simplemq/server';
import {
  RawPeer,
  startTestBroker,
  type TemporaryFolder,
  TestAuthority,
  type TestBroker,
  type TestCertificate,
  temporaryFolder,
} from '@simplemq/testkit';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';

const authority = new TestAuthority();
let folder: TemporaryFolder;
let logLines: string[];

beforeEach(async () => {
  folder = await temporaryFolder();
  logLines = [];
});

afterEach(() => folder[Symbol.asyncDispose]());

/** Writes what the broker is to have, and gives the settings that name it. */
async function install(
  { cert, key }: TestCertificate,
  tls: SettingsInput['tls'] = {},
): Promise<SettingsInput> {
  const paths = {
    cert: join(folder.path, 'cert.pem'),
    key: join(folder.path, 'key.pem'),
    ca: join(folder.path, 'ca.pem'),
  };
  await writeFile(paths.cert, cert);
  await writeFile(paths.key, key);
  await writeFile(paths.ca, authority.cert);
  return { tls: { cert: paths.cert, key: paths.key, ...tls } };
}

async function start(settings: SettingsInput): Promise<TestBroker> {
  const logger = pino({ level: 'trace' }, { write: (line: string) => void logLines.push(line) });
  return startTestBroker({ logger, ...settings });
}

function events(event: string): Record<string, unknown>[] {
  return logLines.map((line) => JSON.parse(line)).filter((line) => line.event === event);
}

/** Settles with the code of the error that a use of the connection ends in. */
async function failureOf(connection: Connection): Promise<{ code: string; message: string }> {
  const error = await connection
    .cursor()
    .listStreams()
    .then(
      () => expect.fail('it worked'),
      (thrown: { code: string; message: string }) => thrown,
    );
  await connection.close();
  return error;
}

async function dial(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port, ca: authority.cert, ...options });
  await once(socket, 'secureConnect');
  return socket;
}

test('messages go through TLS, end to end, also large ones', async () => {
  await using broker = await start(await install(authority.issue()));
  await using connection = new Connection({ port: broker.port, tls: { ca: authority.cert } });
  const cursor = connection.cursor();
  await cursor.createStream('orders');
  const body = Buffer.alloc(3 * 1024 * 1024, 'x');
  await new Publisher<Buffer>(connection, new Bind('orders')).sendMessage(body);
  const [message] = await cursor.read('orders');
  expect(Buffer.from(message?.body as Uint8Array).equals(body)).toBe(true);
});

test('a client that does not trust the certificate, or asks for another name, goes no further', async () => {
  await using broker = await start(await install(authority.issue({ names: ['broker.example'] })));
  for (const ca of [new TestAuthority('another').cert, authority.cert]) {
    const { code } = await failureOf(new Connection({ port: broker.port, tls: { ca }, reconnect: false }));
    expect(code).toBe('ConnectionLost');
  }
  await using named = new Connection({
    port: broker.port,
    tls: { ca: authority.cert, servername: 'broker.example' },
  });
  expect(await named.cursor().listStreams()).toEqual([]);
});

test('versions before 1.2 are not spoken', async () => {
  await using broker = await start(await install(authority.issue()));
  const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
  await expect(dial(broker.port, old)).rejects.toThrow();
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const socket = await dial(broker.port, { minVersion: version, maxVersion: version });
    expect(socket.getProtocol()).toBe(version);
    socket.destroy();
  }
});

test('plain TCP to a port with TLS gets one clear line, HTTP too', async () => {
  await using broker = await start(await install(authority.issue()));
  const { code, message } = await failureOf(new Connection({ port: broker.port }));
  expect({ code, message }).toEqual({
    code: 'Unsupported',
    message: expect.stringContaining('that port speaks TLS; set tls: true'),
  });
  const answer = await fetch(`http://127.0.0.1:${broker.port}/`);
  expect(answer.status).toBe(400);
});

test('a client whose first segment has a single byte comes in', async () => {
  await using broker = await start(await install(authority.issue()));
  const plain = connectPlain({ host: '127.0.0.1', port: broker.port, noDelay: true });
  await once(plain, 'connect');
  let isFirst = true;
  const cut = new Duplex({
    read: () => {},
    write: (chunk: Buffer, _encoding, done) => {
      if (!isFirst) return void plain.write(chunk, done);
      isFirst = false;
      plain.write(chunk.subarray(0, 1));
      setTimeout(() => plain.write(chunk.subarray(1), done), 50);
    },
  });
  plain.on('data', (chunk) => cut.push(chunk));
  plain.on('close', () => cut.destroy());
  const socket = connect({ socket: cut, ca: authority.cert });
  await once(socket, 'secureConnect');
  socket.destroy();
  plain.destroy();
});

test('TLS to a plain port gets one clear line, on both sides', async () => {
  await using broker = await start({});
  const { code, message } = await failureOf(
    new Connection({ port: broker.port, tls: { ca: authority.cert }, reconnect: false }),
  );
  expect({ code, message }).toEqual({
    code: 'ConnectionLost',
    message: expect.stringContaining('does that port speak TLS?'),
  });
  await expect.poll(() => logLines.join()).toContain('this port has no TLS');
});

test('with require, a client without a certificate that the ca signed does not come in', async () => {
  const settings = await install(authority.issue(), {
    ca: join(folder.path, 'ca.pem'),
    clientCertificates: 'require',
  });
  await using broker = await start(settings);
  const ca = authority.cert;
  const stranger = new TestAuthority('another').issue({ names: ['stranger'] });
  for (const tls of [{ ca }, { ca, ...stranger }]) {
    await failureOf(new Connection({ port: broker.port, tls, reconnect: false }));
  }
  await using known = new Connection({
    port: broker.port,
    tls: { ca, ...authority.issue({ names: ['client'] }) },
  });
  expect(await known.cursor().listStreams()).toEqual([]);
});

test('with request, a client may come without a certificate, but not with a wrong one', async () => {
  const settings = await install(authority.issue(), {
    ca: join(folder.path, 'ca.pem'),
    clientCertificates: 'request',
  });
  await using broker = await start(settings);
  const ca = authority.cert;
  for (const tls of [{ ca }, { ca, ...authority.issue({ names: ['client'] }) }]) {
    await using welcome = new Connection({ port: broker.port, tls });
    expect(await welcome.cursor().listStreams()).toEqual([]);
  }
  const stranger = new TestAuthority('another').issue({ names: ['stranger'] });
  await failureOf(new Connection({ port: broker.port, tls: { ca, ...stranger }, reconnect: false }));
});

test('a new certificate is for new connections, and those that are open stay', async () => {
  const settings = await install(authority.issue());
  await using broker = await start(settings);
  await using connection = new Connection({ port: broker.port, tls: { ca: authority.cert } });
  let lost = 0;
  connection.on('disconnected', () => lost++);
  await connection.cursor().createStream('orders');
  const serial = async () => {
    const socket = await dial(broker.port);
    const { serialNumber } = socket.getPeerCertificate();
    socket.destroy();
    return serialNumber;
  };
  const before = await serial();
  // One file after the other, as whoever renews them does: what does not belong together is not taken.
  const next = authority.issue();
  await writeFile(join(folder.path, 'next'), next.cert);
  await rename(join(folder.path, 'next'), join(folder.path, 'cert.pem'));
  await broker.reload();
  expect(await serial()).toBe(before);
  expect(events('tls.unreadable')).toHaveLength(1);
  await writeFile(join(folder.path, 'key.pem'), next.key);
  // By itself, without being told to.
  await expect.poll(serial, { timeout: 10_000 }).not.toBe(before);
  expect(events('tls.reloaded')).toHaveLength(1);
  expect(await connection.cursor().listStreams()).toHaveLength(1);
  expect(lost).toBe(0);
});

test('a certificate that has ended, or ends soon, is told of', async () => {
  const day = 24 * 60 * 60_000;
  const ended = authority.issue({
    notBefore: new Date(Date.now() - 3 * day),
    notAfter: new Date(Date.now() - day),
  });
  await (await start(await install(ended)))[Symbol.asyncDispose]();
  await (await start(await install(authority.issue({ notAfter: new Date(Date.now() + 3 * day) }))))[
    Symbol.asyncDispose
  ]();
  expect(events('tls.warning').map(({ reason }) => reason)).toEqual([
    expect.stringMatching(/ ended on .*: clients will refuse it/),
    expect.stringMatching(/ ends on /),
  ]);
});

test.each<[string, () => Promise<SettingsInput>, RegExp]>([
  [
    'a certificate that is not there',
    async () => ({ tls: { cert: '/none.pem', key: '/none.pem' } }),
    /tls\.cert, \/none\.pem, is not there/,
  ],
  [
    'a file that is none',
    async () => install({ cert: 'x', key: 'y' }),
    /tls\.cert, .*, is not a certificate as PEM/,
  ],
  [
    'a key that is none',
    async () => install({ ...authority.issue(), key: 'y' }),
    /tls\.key, .*, is not a private key/,
  ],
  [
    'a key of another certificate',
    async () => install({ ...authority.issue(), key: authority.issue().key }),
    /is not that of the certificate/,
  ],
])('%s keeps the broker from starting, in one line', async (_what, settings, message) => {
  await expect(start(await settings())).rejects.toMatchObject({
    code: 'InvalidCertificate',
    message: expect.stringMatching(message),
  });
});

test.each<[SettingsInput['tls'], RegExp]>([
  [{ cert: 'a.pem' }, /tls\.cert is set and tls\.key is not/],
  [{ key: 'a.pem' }, /tls\.key is set and tls\.cert is not/],
  [
    { cert: 'a.pem', key: 'a.pem', clientCertificates: 'require' },
    /tls\.clientCertificates is set and tls\.ca is not/,
  ],
])('%j is half of what is needed, and says so', async (tls, message) => {
  await expect(start({ tls })).rejects.toMatchObject({
    code: 'InvalidSettings',
    message: expect.stringMatching(message),
  });
});

test('beyond this machine it takes users and TLS, or allowRemote', async () => {
  const settings = await install(authority.issue());
  await expect(start({ ...settings, host: '0.0.0.0' })).rejects.toMatchObject({
    code: 'HostNotLoopback',
    message: expect.stringContaining('there are no users'),
  });
  const { UserEditor } = await import('@simplemq/server');
  const path = join(folder.path, 'data');
  await new UserEditor(path).add('ann');
  await expect(start({ host: '0.0.0.0', storage: { path } })).rejects.toMatchObject({
    code: 'HostNotLoopback',
    message: expect.stringContaining('there is no TLS'),
  });
  await using broker = await start({ ...settings, host: '0.0.0.0', storage: { path } });
  expect(broker.port).toBeGreaterThan(0);
});

test('who does not finish TLS in time is closed, and others are not held up', async () => {
  await using broker = await start({ ...(await install(authority.issue())), handshakeTimeoutMs: 500 });
  const silent = await RawPeer.connect({ port: broker.port, raw: true });
  const half = connectPlain({ host: '127.0.0.1', port: broker.port }).on('error', () => undefined);
  half.write(Buffer.from('16030100f8010000f40303', 'hex'));
  await using connection = new Connection({ port: broker.port, tls: { ca: authority.cert } });
  expect(await connection.cursor().listStreams()).toEqual([]);
  await Promise.all([silent.closed, once(half, 'close')]);
  // And within TLS, who says no HELLO.
  const mute = await dial(broker.port);
  mute.resume();
  await once(mute, 'close');
});

test('after a reload other limits count for those who are at their handshake', async () => {
  const settingsFile = join(folder.path, 'settings.yaml');
  await writeFile(settingsFile, 'handshakeTimeoutMs: 60000');
  const settings = await install(authority.issue());
  await using broker = await startTestBroker({ ...settings, settingsFile, logs: { level: 'silent' } });
  const open = () => connectPlain({ host: '127.0.0.1', port: broker.port });
  const patient = open();
  await once(patient, 'connect');
  await writeFile(settingsFile, 'handshakeTimeoutMs: 50');
  await broker.reload();
  await once(open(), 'close');
  expect(patient.closed).toBe(false);
  await writeFile(settingsFile, 'handshakeTimeoutMs: 60000\nlimits: { maxConnections: 1 }');
  await broker.reload();
  await once(open(), 'close');
  patient.destroy();
});
