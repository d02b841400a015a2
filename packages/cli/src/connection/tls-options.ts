import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from '@simplemq/client';
import { CommandError } from '../command-error.ts';
import type { ClientFlags } from './client-flags.ts';

/**
 * How TLS is spoken by these flags; false where none asks for it.
 *
 * @throws CommandError when a file cannot be read or is not what it should be, or a certificate is without its key
 */
export function tlsOptionsOf(flags: ClientFlags): NonNullable<ConnectionOptions['tls']> {
  const { tls = false, tlsCa, tlsCert, tlsKey } = flags;
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    throw new CommandError('--tls-cert and --tls-key go together; give both');
  }
  const ca = readPem('--tls-ca', tlsCa, 'a certificate as PEM', certificateOf);
  const cert = readPem('--tls-cert', tlsCert, 'a certificate as PEM', certificateOf);
  const key = readPem('--tls-key', tlsKey, 'a private key as PEM without a passphrase', createPrivateKey);
  if (cert !== undefined && key !== undefined && !cert.value.checkPrivateKey(key.value)) {
    throw new CommandError(`the key in --tls-key ${tlsKey} is not that of the certificate in ${tlsCert}`);
  }
  const given = {
    ...(ca !== undefined && { ca: ca.pem }),
    ...(cert !== undefined && { cert: cert.pem }),
    ...(key !== undefined && { key: key.pem }),
  };
  return Object.keys(given).length > 0 ? given : tls;
}

/** Parses it too: to Node.js a --tls-ca without certificates in it is no error, and others it tells in OpenSSL's words. */
function readPem<T>(flag: string, file: string | undefined, what: string, parse: (pem: Buffer) => T) {
  if (file === undefined) return undefined;
  let pem: Buffer;
  try {
    pem = readFileSync(file);
  } catch (cause) {
    throw new CommandError(`${flag} ${file} cannot be read: ${(cause as Error).message}`, { cause });
  }
  try {
    return { pem, value: parse(pem) };
  } catch (cause) {
    throw new CommandError(`${flag} ${file} is not ${what}`, { cause });
  }
}

/** It reads DER too, which TLS does not. */
function certificateOf(pem: Buffer): X509Certificate {
  if (!pem.includes('-----BEGIN ')) throw new Error('it has no PEM in it');
  return new X509Certificate(pem);
}
