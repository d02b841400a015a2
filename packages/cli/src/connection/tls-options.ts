import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from '@simplemq/client';
import { CommandError } from '../command-error.ts';
import type { ClientFlags } from './client-flags.ts';

/**
 * How TLS is spoken by these flags; false where none asks for it.
 *
 * @throws CommandError when a file cannot be read, or a certificate is without its key
 */
export function tlsOptionsOf(flags: ClientFlags): NonNullable<ConnectionOptions['tls']> {
  const { tls = false, tlsCa, tlsCert, tlsKey } = flags;
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    throw new CommandError('--tls-cert and --tls-key go together; give both');
  }
  const given = {
    ...(tlsCa !== undefined && { ca: read('--tls-ca', tlsCa) }),
    ...(tlsCert !== undefined && { cert: read('--tls-cert', tlsCert) }),
    ...(tlsKey !== undefined && { key: read('--tls-key', tlsKey) }),
  };
  return Object.keys(given).length > 0 ? given : tls;
}

function read(flag: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new CommandError(`${flag} ${file} cannot be read: ${(cause as Error).message}`, { cause });
  }
}
