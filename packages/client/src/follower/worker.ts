import { ConnectionLost, type SimpleMQError } from '@simplemq/protocol';
import type { Link } from '../connection/link.ts';
import type { Message } from './message.ts';
import { MessageSource, type SourceOptions, type SourceOwner } from './message-source.ts';
import { onTermination } from './termination.ts';

/** Handles one message: returning acks it, throwing nacks it. */
export type MessageHandler<T> = (message: Message<T>) => unknown;

export interface RunOptions {
  /** How many messages may be handled at the same time. Default 1. */
  concurrency?: number;
  /** Drains: no new messages are taken, those in hand are finished. SIGTERM does the same. */
  signal?: AbortSignal;
}

const RETRY_MIN_MS = 100;
const RETRY_MAX_MS = 30_000;
const REASON_LENGTH_MAX = 1_000;

/** The loop behind Follower.run. */
export class Worker<T> implements SourceOwner<T> {
  readonly #source: MessageSource<T>;
  readonly #handler: MessageHandler<T>;
  readonly #concurrency: number;
  readonly #active = new Set<Message<T>>();
  readonly #drained = Promise.withResolvers<void>();
  #draining = false;
  #taking = false;

  constructor(link: Link, options: SourceOptions, handler: MessageHandler<T>) {
    this.#source = new MessageSource<T>(link, options, this);
    this.#handler = handler;
    this.#concurrency = options.concurrency;
  }

  /** Works until drained. */
  async run(signal: AbortSignal | undefined): Promise<void> {
    const drain = (): void => this.drain();
    signal?.addEventListener('abort', drain, { once: true });
    const undo = onTermination(drain);
    try {
      if (signal?.aborted) return;
      this.#source.start();
      await this.#drained.promise;
      await this.#source.stop();
    } finally {
      signal?.removeEventListener('abort', drain);
      undo();
    }
    if (this.#source.failure !== undefined) throw this.#source.failure;
  }

  drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    this.#source.drain(new ConnectionLost('the follower drains'));
    this.#endWhenIdle();
  }

  /** Without waiting for the messages in hand, which go back to the broker. */
  async end(): Promise<void> {
    this.#draining = true;
    this.#drained.resolve();
    await this.#source.stop();
  }

  ready(): void {
    if (this.#source.failure !== undefined) this.#draining = true;
    if (this.#taking) return;
    this.#taking = true;
    while (!this.#draining && this.#active.size < this.#concurrency) {
      const message = this.#source.take();
      if (message === undefined) break;
      this.#handle(message);
    }
    this.#taking = false;
    if (this.#active.size === 0) this.#source.pause();
    this.#endWhenIdle();
  }

  inHand(): Iterable<Message<T>> {
    return this.#active;
  }

  inHandCount(): number {
    return this.#active.size;
  }

  #handle(message: Message<T>): void {
    this.#active.add(message);
    let result: unknown;
    try {
      result = this.#handler(message);
    } catch (error) {
      this.#done(message, error, true);
      return;
    }
    if (!isThenable(result)) {
      this.#done(message, undefined, false);
      return;
    }
    result.then(
      () => this.#done(message, undefined, false),
      (error: unknown) => this.#done(message, error, true),
    );
  }

  #done(message: Message<T>, error: unknown, failed: boolean): void {
    this.#active.delete(message);
    // A handler may have settled it itself.
    if (message.unsettled) {
      if (failed) void message.nack({ delayMs: retryDelayMs(message.attempt), reason: reasonOf(error) });
      else void message.ack();
    }
    this.#source.finish();
    this.ready();
  }

  #endWhenIdle(): void {
    if (this.#draining && this.#active.size === 0) this.#drained.resolve();
  }
}

/** 100 ms after the first failure, twice as long after each further one, at most 30 s; the lower half is random. */
function retryDelayMs(attempt: number): number {
  const ceiling = Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** Math.min(attempt - 1, 30));
  return Math.round(ceiling * (0.5 + Math.random() / 2));
}

function reasonOf(error: unknown): string {
  const text = error instanceof Error ? (error as SimpleMQError).message : String(error);
  return text.slice(0, REASON_LENGTH_MAX);
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  );
}
