import { EventEmitter } from 'node:events';
import type { SimpleMQError, StreamRanges } from '@simplemq/protocol';

/** Settlements that nobody awaited and that did not take effect. */
export interface StaleAcks {
  readonly ranges: readonly StreamRanges[];
  /** StaleAck when they came too late; ConnectionLost when no answer came; Unsupported when the broker lacks a feature. */
  readonly error: SimpleMQError;
}

export interface ConnectionEvents {
  /** The broker answered HELLO; after the first time: a reconnect. */
  connected: [];
  /** The connection was lost. */
  disconnected: [error: SimpleMQError];
  /** The next try comes in `delayMs`; `attempt` counts from 1 after each loss. */
  reconnecting: [attempt: number, delayMs: number];
  /** The broker is shutting down; the connection will be lost. */
  closing: [reason: string];
  /** Settlements that nobody awaited came too late. */
  staleAck: [stale: StaleAcks];
  /** The connection gave up: credentials, version, or `reconnect: false`. Never ends the process when nobody listens. */
  error: [error: SimpleMQError];
}

/** Tells events in a turn of their own, so that what a listener does never meets a half-done change of state. */
export class ConnectionEmitter extends EventEmitter<ConnectionEvents> {
  tell<K extends keyof ConnectionEvents>(event: K, ...args: ConnectionEvents[K]): void {
    if (this.listenerCount(event) === 0) return;
    process.nextTick(() => {
      if (this.listenerCount(event) > 0)
        (this.emit as (name: string, ...rest: unknown[]) => boolean)(event, ...args);
    });
  }
}
