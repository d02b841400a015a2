import type { BatchMemory } from '../publisher/batch-memory.ts';
import type { PublishQueue } from '../publisher/publish-queue.ts';
import type { TransactionSource } from '../transaction/transaction-source.ts';
import type { Connection } from './connection.ts';
import type { ControlRequests } from './control-requests.ts';
import type { Link } from './link.ts';

/** What ends with the connection, in an orderly way: publishers, followers that have something to end. */
export interface Drainable {
  drain(): Promise<void>;
}

/** What publishers, followers and cursors share of a connection. Not part of the public API. */
export interface ConnectionCore {
  readonly link: Link;
  readonly requests: ControlRequests;
  readonly publishes: PublishQueue;
  readonly transactions: TransactionSource;
  /** Those that have something under way; the others belong to their users alone, and go when they are let go. */
  readonly drainables: Set<Drainable>;
  /** What all its publishers build their batches in. */
  readonly memory: BatchMemory;
  /** Connection.close was called. */
  isClosing: boolean;
}

const cores = new WeakMap<object, ConnectionCore>();

export function setCore(connection: Connection, core: ConnectionCore): void {
  cores.set(connection, core);
}

export function coreOf(connection: Connection): ConnectionCore {
  const core = cores.get(connection);
  if (core === undefined) throw new TypeError('a Connection was expected');
  return core;
}
