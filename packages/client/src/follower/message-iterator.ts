import { ConnectionLost, type SimpleMQError } from '@simplemq/protocol';
import type { Link } from '../connection/link.ts';
import type { Message } from './message.ts';
import { MessageSource, type SourceOptions, type SourceOwner } from './message-source.ts';

/** Whom an iterator tells that it is at work. */
export interface IteratorWatcher {
  started(): void;
  /** Also of one that never was. */
  ended(): void;
}

interface Waiter<T> {
  readonly resolve: (result: IteratorResult<Message<T>, undefined>) => void;
  readonly reject: (error: SimpleMQError) => void;
}

/**
 * What getMessages() gives. It is written by hand because an async generator costs several times as much per message:
 * while messages are buffered, next() makes one resolved promise and nothing else.
 */
export class MessageIterator<T> implements AsyncIterableIterator<Message<T>, undefined>, SourceOwner<T> {
  readonly #source: MessageSource<T>;
  readonly #watcher: IteratorWatcher | undefined;
  readonly #signal: AbortSignal | undefined;
  readonly #waiters: Waiter<T>[] = [];
  #message: Message<T> | undefined;
  #started = false;
  /** No more messages are given out. */
  #ending = false;
  #failureTold = false;

  constructor(link: Link, options: SourceOptions<T>, signal?: AbortSignal, watcher?: IteratorWatcher) {
    this.#source = new MessageSource<T>(link, options, this);
    this.#signal = signal;
    this.#watcher = watcher;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Message<T>, undefined>> {
    const source = this.#source;
    if (this.#message !== undefined) {
      this.#message = undefined;
      source.finish();
    }
    if (this.#ending || this.#waiters.length > 0) return this.#later();
    const message = source.take();
    if (message === undefined) return this.#later();
    this.#message = message;
    return Promise.resolve({ value: message, done: false });
  }

  /** Leaves the loop: what was not handled goes back to the broker, and is there when the promise resolves. */
  async return(): Promise<IteratorResult<Message<T>, undefined>> {
    await this.#end();
    return { value: undefined, done: true };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end();
  }

  /** Ends as soon as the message in hand is handled. */
  drain(): void {
    if (this.#ending) return;
    this.#ending = true;
    this.#source.drain(new ConnectionLost('the follower drains'));
    if (this.#message === undefined) void this.#end();
  }

  /** As drain, without waiting for the message in hand, which goes back to the broker. */
  end(): Promise<void> {
    return this.#end();
  }

  ready(): void {
    if (this.#source.failure !== undefined) {
      void this.#end();
      return;
    }
    while (this.#waiters.length > 0) {
      // Whoever asks for the next while waiting for this one has no message in hand to finish.
      if (this.#message !== undefined) this.#source.finish();
      const message = this.#source.take();
      if (message === undefined) return;
      this.#message = message;
      this.#waiters.shift()!.resolve({ value: message, done: false });
    }
  }

  inHand(): Iterable<Message<T>> {
    return this.#message === undefined ? [] : [this.#message];
  }

  inHandCount(): number {
    return this.#message === undefined ? 0 : 1;
  }

  #start(): void {
    this.#started = true;
    this.#watcher?.started();
    this.#signal?.addEventListener('abort', this.#onAbort, { once: true });
    if (this.#signal?.aborted) this.drain();
    else this.#source.start();
  }

  readonly #onAbort = (): void => this.drain();

  #later(): Promise<IteratorResult<Message<T>, undefined>> {
    if (!this.#started && !this.#ending) this.#start();
    if (this.#ending) return this.#last();
    this.#source.pause();
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
  }

  /** The failure for the first who asks; after it, and without one: done. */
  async #last(): Promise<IteratorResult<Message<T>, undefined>> {
    await this.#end();
    const { failure } = this.#source;
    if (failure !== undefined && !this.#failureTold) {
      this.#failureTold = true;
      throw failure;
    }
    return { value: undefined, done: true };
  }

  async #end(): Promise<void> {
    this.#ending = true;
    this.#message = undefined;
    this.#signal?.removeEventListener('abort', this.#onAbort);
    if (this.#started) await this.#source.stop();
    this.#started = false;
    this.#watcher?.ended();
    for (const waiter of this.#waiters.splice(0)) {
      const { failure } = this.#source;
      if (failure !== undefined && !this.#failureTold) {
        this.#failureTold = true;
        waiter.reject(failure);
      } else {
        waiter.resolve({ value: undefined, done: true });
      }
    }
  }
}
