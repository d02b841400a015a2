import { wholeNumber } from '../connection/options.ts';
import { type Backoff, backoffFunction } from './backoff.ts';
import type { Message } from './message.ts';

/** Handles one message: returning acks it, throwing nacks it. */
export type MessageHandler<T> = (message: Message<T>) => unknown;

// biome-ignore lint/suspicious/noExplicitAny: options without hooks suit any body
export interface RunOptions<T = any> {
  /** How many messages may be handled at the same time. Default 1. */
  concurrency?: number;
  /** Drains: no new messages are taken, those in hand are finished. SIGTERM does the same. */
  signal?: AbortSignal;
  /**
   * Milliseconds that a handler may take. Past them the message's `signal` is aborted, the message is nacked, and the
   * next one is taken; what the handler still does counts for nothing. Default: as long as it likes.
   */
  timeoutMs?: number;
  /** How long a message waits whose handler failed. Default: as the group's retry policy has it. */
  backoff?: Backoff;
  /**
   * Called in place of the handler, which `next` calls: for tracing, timing or a context around each message. What it
   * returns or throws counts as the handler's.
   */
  around?: (message: Message<T>, next: () => Promise<unknown>) => Promise<unknown>;
  /** Told of each failure of a handler, its time being over included, before the message is nacked. */
  onError?: (error: unknown, message: Message<T>) => void;
}

/** RunOptions that were checked. */
export interface RunSettings<T> {
  readonly concurrency: number;
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number | undefined;
  readonly delayOf: ((attempt: number, error: unknown) => number) | undefined;
  readonly onError: ((error: unknown, message: Message<T>) => void) | undefined;
}

/** @throws InvalidOption */
export function readRunOptions<T>(options: RunOptions<T>): RunSettings<T> {
  const { concurrency = 1, signal, timeoutMs, backoff, onError } = options;
  return {
    concurrency: wholeNumber('concurrency', concurrency, 1, 100_000),
    signal,
    timeoutMs: timeoutMs === undefined ? undefined : wholeNumber('timeoutMs', timeoutMs, 1, 2 ** 31 - 1),
    delayOf: backoff && backoffFunction(backoff),
    onError,
  };
}
