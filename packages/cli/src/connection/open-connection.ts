import { Connection, type ConnectionOptions, type Cursor } from '@simplemq/client';
import { CommandError } from '../command-error.ts';
import type { ClientFlags } from './client-flags.ts';
import { passwordOf } from './password.ts';
import { tlsOptionsOf } from './tls-options.ts';
import { whyUnreachable } from './unreachable.ts';

/**
 * A connection that is open. Whoever asked sits in front of it, so the first connect is tried once.
 *
 * @throws CommandError when there is no broker
 */
export async function openConnection(flags: ClientFlags): Promise<Connection> {
  return connect({ ...(await optionsOf(flags)), reconnect: false });
}

/** As openConnection; once it was open it reconnects, for as long as the command runs. */
export async function openLastingConnection(flags: ClientFlags): Promise<Connection> {
  const options = await optionsOf(flags);
  // The SDK would try the first connect for half a minute too, so this one looks whether there is a broker.
  await (await connect({ ...options, reconnect: false })).close();
  return connect(options);
}

/** Opens a connection for one piece of work, and closes it. */
export async function withCursor<T>(flags: ClientFlags, work: (cursor: Cursor) => Promise<T>): Promise<T> {
  await using connection = await openConnection(flags);
  return await work(connection.cursor());
}

async function optionsOf(flags: ClientFlags): Promise<ConnectionOptions> {
  const { host, port, user } = flags;
  const tls = tlsOptionsOf(flags);
  return { host, port, tls, ...(user !== undefined && { user, password: await passwordOf(user) }) };
}

async function connect(options: ConnectionOptions): Promise<Connection> {
  const connection = new Connection(options);
  try {
    await connection.cursor().session();
    return connection;
  } catch (error) {
    await connection.close();
    const why = whyUnreachable(error);
    if (why === undefined) throw error;
    const { host, port } = connection;
    const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
    throw new CommandError(`could not connect to ${address}: ${why}`, { cause: error });
  }
}
