import { Connection } from '@simplemq/client';
import { now } from '../history/facts.ts';
import type { LoadOptions } from './load-options.ts';

/** A connection that knows since when it has been there. */
export interface TimedConnection {
  readonly connection: Connection;
  readonly connectedAt: () => number;
}

/** Reconnects eagerly: the broker is up for some tens of milliseconds at times. */
export function connect({ name, port }: Pick<LoadOptions, 'name' | 'port'>): TimedConnection {
  const connection = new Connection({
    host: '127.0.0.1',
    port,
    name,
    requestTimeoutMs: 60_000,
    reconnect: { minDelayMs: 10, maxDelayMs: 60 },
  });
  let connectedAt = 0;
  connection.on('connected', () => {
    connectedAt = now();
  });
  return { connection, connectedAt: () => connectedAt };
}
