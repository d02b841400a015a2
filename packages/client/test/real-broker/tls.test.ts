import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Connection, type ConnectionOptions, SimpleMQError } from '@simplemq/client';
import { startTestBroker, type TemporaryFolder, TestAuthority, temporaryFolder } from '@simplemq/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';

const authority = new TestAuthority();
let folder: TemporaryFolder;

beforeEach(async () => {
  folder = await temporaryFolder();
});

afterEach(() => folder[Symbol.asyncDispose]());

async function startTls(names = ['localhost']) {
  const paths = { cert: join(folder.path, 'cert.pem'), key: join(folder.path, 'key.pem') };
  const { cert, key } = authority.issue({ names });
  await writeFile(paths.cert, cert);
  await writeFile(paths.key, key);
  return startTestBroker({ tls: paths });
}

async function failureOf(options: ConnectionOptions): Promise<SimpleMQError> {
  await using connection = new Connection({ ...options, reconnect: false });
  const failed = await connection
    .cursor()
    .listStreams()
    .catch((error: unknown) => error);
  if (!(failed instanceof SimpleMQError)) throw failed;
  return failed;
}

test('a certificate of an unknown authority is told with the option to set, and the error of Node.js is the cause', async () => {
  await using broker = await startTls();
  const { code, message, details, cause } = await failureOf({ port: broker.port, tls: true });
  expect({ code, message }).toEqual({
    code: 'ConnectionLost',
    message:
      `cannot connect to a SimpleMQ broker at host localhost, port ${broker.port}: nobody who is trusted has signed ` +
      'its certificate (UNABLE_TO_VERIFY_LEAF_SIGNATURE); set tls: { ca } to the certificate of who signed it, or to ' +
      'itself where it is self-signed',
  });
  expect(details).toMatchObject({
    failure: 'UntrustedCertificate',
    cause: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    port: broker.port,
  });
  expect((cause as Error).cause).toMatchObject({ code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' });
});

test('a certificate for another host is told with both hosts', async () => {
  await using broker = await startTls(['broker.example']);
  const { message } = await failureOf({ port: broker.port, tls: { ca: authority.cert } });
  expect(message).toContain('its certificate is for broker.example, not for localhost');
  expect(message).toContain('tls: { servername }');
});

test('without TLS to a broker with it stays Unsupported, and names the option', async () => {
  await using broker = await startTls();
  const { code, message, details } = await failureOf({ port: broker.port });
  expect({ code, failure: details.failure }).toEqual({ code: 'Unsupported', failure: 'TlsNeeded' });
  expect(message).toMatch(/port \d+: that port speaks TLS; set tls: true/);
});
