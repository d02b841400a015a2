import { lookup } from 'node:dns/promises';
import { BlockList, isIPv6 } from 'node:net';
import { StartError } from '../start-error.ts';

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** What keeps those away who can reach the port and should not use it. */
export interface Protection {
  readonly hasUsers: boolean;
  readonly hasTls: boolean;
}

/**
 * The addresses to listen on for `host`. 'localhost' is 127.0.0.1 and, where there is one, ::1, whatever the machine's
 * hosts file says; for any other name it is the first address that it resolves to.
 *
 * @throws StartError when the name does not resolve, or leads beyond this machine and that is not allowed
 */
export async function addressesOf(
  host: string,
  allowRemote: boolean,
  { hasUsers, hasTls }: Protection,
): Promise<readonly string[]> {
  if (host === 'localhost') return ['127.0.0.1', '::1'];
  const address = await resolveHost(host);
  if (allowRemote || (hasUsers && hasTls) || isLoopback(address)) return [address];
  const why = hasUsers
    ? 'there is no TLS: passwords and messages could be read on their way. Set tls.cert and tls.key'
    : "there are no users: whoever reaches the port could do everything. Add users ('simplemq user add')" +
      (hasTls ? '' : ' and set tls.cert and tls.key');
  throw new StartError(
    'HostNotLoopback',
    `host ${host} can be reached from other machines, and ${why}, use localhost, or set allowRemote: true if the ` +
      'network protects it',
  );
}

export function isLoopback(address: string): boolean {
  return LOOPBACK.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}

async function resolveHost(host: string): Promise<string> {
  try {
    return (await lookup(host)).address;
  } catch (cause) {
    throw new StartError('HostNotFound', `host ${host} does not resolve to an address of this machine`, {
      cause,
    });
  }
}
