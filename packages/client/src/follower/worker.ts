import { ConnectionLost, RequestTimeout } from '@simplemq/protocol';
import type { Link } from '../connection/link.ts';
import type { Message } from './message.ts';
import { MessageSource, type SourceOptions, type SourceOwner } from './message-source.ts';
import type { MessageHandler, RunSettings } from './run-options.ts';
import { onTermination } from './termination.ts';

const REASON_LENGTH_MAX = 1_000;

/** The loop behind Follower.run. */
export class Worker<T> implements SourceOwner<T> {
  readonly #source: MessageSource<T>;
  readonly #settings: RunSettings<T>;
  readonly #handler: MessageHandler<T>;
  /** The messages whose handlers' results count: one whose time is over has left. */
  readonly #active = new Set<Message<T>>();
  readonly #drained = Promise.withResolvers<void>();
  #draining = false;
  #taking = false;

  constructor(link: Link, options: SourceOptions<T>, settings: RunSettings<T>, handler: MessageHandler<T>) {
    this.#source = new MessageSource<T>(link, options, this);
    this.#settings = settings;
    this.#handler = handler;
  }

  /** Works until drained. */
  async run(): Promise<void> {
    const { signal } = this.#settings;
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
    while (!this.#draining && this.#active.size < this.#settings.concurrency) {
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
      this.#failed(message, error);
      return;
    }
    if (!isThenable(result)) {
      this.#succeeded(message);
      return;
    }
    const timer = this.#startTimer(message);
    result.then(
      () => {
        clearTimeout(timer);
        this.#succeeded(message);
      },
      (error: unknown) => {
        clearTimeout(timer);
        this.#failed(message, error);
      },
    );
  }

  #startTimer(message: Message<T>): NodeJS.Timeout | undefined {
    const { timeoutMs } = this.#settings;
    if (timeoutMs === undefined) return undefined;
    return setTimeout(() => {
      const error = new RequestTimeout(
        `the handler of ${message.stream} ${message.sequence} took longer than ${timeoutMs} ms (timeoutMs)`,
        { details: { limit: 'timeoutMs', value: timeoutMs } },
      );
      message.abort(error);
      this.#failed(message, error);
    }, timeoutMs);
  }

  #succeeded(message: Message<T>): void {
    if (!this.#active.delete(message)) return;
    // A handler may have settled it itself.
    if (message.unsettled) void message.ack();
    this.#goOn();
  }

  #failed(message: Message<T>, error: unknown): void {
    if (!this.#active.delete(message)) return;
    const { delayOf, onError } = this.#settings;
    this.#call(() => onError?.(error, message));
    const delayMs = this.#call(() => delayOf?.(message.attempt, error));
    message.giveUp({ reason: reasonOf(error), ...(delayMs !== undefined && { delayMs }) });
    this.#goOn();
  }

  /** Calls a function of the user's; what it throws is an uncaught exception, and the worker goes on. */
  #call<R>(userFunction: () => R): R | undefined {
    try {
      return userFunction();
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
      return undefined;
    }
  }

  #goOn(): void {
    this.#source.finish();
    this.ready();
  }

  #endWhenIdle(): void {
    if (this.#draining && this.#active.size === 0) this.#drained.resolve();
  }
}

export function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.slice(0, REASON_LENGTH_MAX);
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  );
}
