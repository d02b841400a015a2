import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import type { SettingsInput } from '@simplemq/server';
import {
  type CertificateOptions,
  startTestBroker,
  type TemporaryFolder,
  TestAuthority,
  type TestBroker,
  temporaryFolder,
} from '@simplemq/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { simplemq } from './simplemq.ts';

const DAY_MS = 24 * 60 * 60_000;
const authority = new TestAuthority();
let folder: TemporaryFolder;

beforeEach(async () => {
  folder = await temporaryFolder();
  await write('ca.pem', authority.cert);
});

afterEach(() => folder[Symbol.asyncDispose]());

async function write(name: string, text: string): Promise<string> {
  const path = join(folder.path, name);
  await writeFile(path, text);
  return path;
}

const ca = () => ['--tls-ca', join(folder.path, 'ca.pem')];

interface Case extends CertificateOptions {
  readonly tls?: SettingsInput['tls'];
  /** Sent with its own, as brokers do that send those between it and its root. */
  readonly chain?: string;
}

async function startTls({ tls = {}, chain = '', ...options }: Case = {}): Promise<TestBroker> {
  const { cert, key } = authority.issue(options);
  return startTestBroker({
    tls: { cert: await write('cert.pem', cert + chain), key: await write('key.pem', key), ...tls },
  });
}

/** What the command says of a port, without the address that it begins with. */
async function saidOf(port: number, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await simplemq(['streams', '--port', String(port), ...args]);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  const beginning = `simplemq: could not connect to localhost:${port}: `;
  expect(stderr.startsWith(beginning) ? beginning : stderr).toBe(beginning);
  expect(stderr).toMatch(/^[^\n]*\n$/);
  return stderr.slice(beginning.length, -1);
}

async function portOf(server: Server): Promise<number> {
  server.listen(0, 'localhost');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

test('with TLS to a broker without it, the line says what to leave out', async () => {
  await using broker = await startTestBroker();
  expect(await saidOf(broker.port, ['--tls'])).toBe(
    'it closed the connection when TLS began; is a SimpleMQ broker running there, and does that port speak TLS? ' +
      'if not, leave out --tls and --tls-*',
  );
});

test('with TLS to a port that answers in plain bytes, the line says what to leave out or to set', async () => {
  await using server = createServer((socket) =>
    socket
      .on('error', () => {})
      .resume()
      .end('hello, what is it?\n'),
  );
  const said = await saidOf(await portOf(server), ['--tls']);
  expect(said).toBe(
    'that port does not speak TLS; leave out --tls and --tls-*, or set tls.cert and tls.key in the settings of the broker',
  );
});

test('without TLS to a broker with it, the line names --tls', async () => {
  await using broker = await startTls();
  expect(await saidOf(broker.port, [])).toBe(
    'that port speaks TLS; use --tls, or --tls-ca <file> where no known authority signed its certificate',
  );
});

test('without TLS to another server with it, which answers by an alert, the line names --tls', async () => {
  // As Go's does.
  const alert = Buffer.from('15030100020246', 'hex');
  await using server = createServer((socket) =>
    socket
      .on('error', () => {})
      .resume()
      .end(alert),
  );
  expect(await saidOf(await portOf(server), [])).toMatch(/^that port speaks TLS; use --tls, /);
});

test('a port that closes without a word may want TLS, and the line says so', async () => {
  await using server = createServer((socket) => socket.on('error', () => {}).destroy());
  expect(await saidOf(await portOf(server), [])).toBe(
    'it closed the connection before it answered; is a SimpleMQ broker running there, and does that port speak TLS ' +
      '(--tls)?',
  );
});

test.each<[string, Case, () => string[], RegExp]>([
  [
    'of an unknown authority',
    {},
    () => ['--tls'],
    /^nobody who is trusted has signed its certificate; .* --tls-ca <file>$/,
  ],
  [
    'of an unknown authority, whose own comes with it',
    { chain: authority.cert },
    () => ['--tls'],
    /^nobody who is trusted has signed its certificate; .* --tls-ca <file>$/,
  ],
  [
    'for other hosts',
    { names: ['broker.example', '192.0.2.1'] },
    ca,
    /^its certificate is for broker\.example, 192\.0\.2\.1, not for localhost; connect to a host .*\(--host\), or /,
  ],
  [
    'that has expired',
    { notBefore: new Date(Date.now() - 3 * DAY_MS), notAfter: new Date(Date.now() - DAY_MS) },
    ca,
    /^its certificate has expired; renew it \(tls\.cert of the broker\), or set the clock /,
  ],
  [
    'that is not valid yet',
    { notBefore: new Date(Date.now() + DAY_MS) },
    ca,
    /^its certificate is not valid yet; replace it \(tls\.cert of the broker\), or set the clock /,
  ],
])('a certificate %s is told, and what to do', async (_what, options, args, line) => {
  await using broker = await startTls(options);
  expect(await saidOf(broker.port, args())).toMatch(line);
});

test('a self-signed certificate is told, and --tls-ca with it works', async () => {
  const { cert, key } = TestAuthority.selfSigned();
  const file = await write('cert.pem', cert);
  await using broker = await startTestBroker({ tls: { cert: file, key: await write('key.pem', key) } });
  expect(await saidOf(broker.port, ['--tls'])).toMatch(
    /^its certificate is self-signed and not among those that are trusted; .* --tls-ca <file>$/,
  );
  const args = ['streams', '--json', '--port', String(broker.port), '--tls-ca', file];
  expect(await simplemq(args)).toMatchObject({ code: 0, stdout: '[]\n' });
});

test('a broker that wants a client certificate says so, and which it does not accept', async () => {
  await using broker = await startTls({
    tls: { ca: join(folder.path, 'ca.pem'), clientCertificates: 'require' },
  });
  const remedy = 'give one that tls.ca of the broker has signed, with --tls-cert <file> and --tls-key <file>';
  // The second where the alert that says it is lost, as when it closes with bytes unread.
  expect(await saidOf(broker.port, ca())).toMatch(
    new RegExp(`^it (wants|closed .* when it wants) a client certificate; ${remedy}$`),
  );
  const stranger = new TestAuthority('another').issue();
  const own = [
    '--tls-cert',
    await write('own.pem', stranger.cert),
    '--tls-key',
    await write('own.key', stranger.key),
  ];
  expect(await saidOf(broker.port, [...ca(), ...own])).toBe(
    "it closed the connection before it answered, as it does when it does not accept a client's certificate; " +
      remedy,
  );
});

test('files of --tls options that are none are told, and by which option', async () => {
  const { cert, key } = authority.issue();
  const files = {
    none: await write('none.pem', 'nothing\n'),
    cert: await write('cert.pem', cert),
    key: await write('key.pem', key),
    other: await write('other.key', authority.issue().key),
  };
  const said = async (...args: string[]) => (await simplemq(['streams', ...args])).stderr;
  expect(
    await Promise.all([
      said('--tls-ca', files.none),
      said('--tls-cert', files.none, '--tls-key', files.key),
      said('--tls-cert', files.cert, '--tls-key', files.none),
      said('--tls-cert', files.cert, '--tls-key', files.other),
    ]),
  ).toEqual([
    `simplemq: --tls-ca ${files.none} is not a certificate as PEM\n`,
    `simplemq: --tls-cert ${files.none} is not a certificate as PEM\n`,
    `simplemq: --tls-key ${files.none} is not a private key as PEM without a passphrase\n`,
    `simplemq: the key in --tls-key ${files.other} is not that of the certificate in ${files.cert}\n`,
  ]);
});

test('one file may hold the certificate and its key', async () => {
  await using broker = await startTls({
    tls: { ca: join(folder.path, 'ca.pem'), clientCertificates: 'require' },
  });
  const { cert, key } = authority.issue({ names: ['client'] });
  const both = await write('both.pem', cert + key);
  const args = ['streams', '--json', '--port', String(broker.port), '--tls-cert', both, '--tls-key', both];
  expect(await simplemq([...args, ...ca()])).toMatchObject({ code: 0, stdout: '[]\n' });
});
