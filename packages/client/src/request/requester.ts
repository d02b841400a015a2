import { randomUUID } from 'node:crypto';
import { ConnectionLost, RequestTimeout, type SimpleMQError } from '@simplemq/protocol';
import type { Bind } from '../bind.ts';
import type { Codec } from '../codec/codec.ts';
import type { Connection } from '../connection/connection.ts';
import { type ConnectionCore, coreOf } from '../connection/core.ts';
import { wholeNumber } from '../connection/options.ts';
import type { Message } from '../follower/message.ts';
import { Publisher } from '../publisher/publisher.ts';
import type { SendOptions } from '../publisher/send-options.ts';
import { CORRELATION_ID, REPLY_ERROR, REPLY_TO } from './headers.ts';
import { ReplyInbox } from './reply-inbox.ts';
import { RequestFailed } from './request-failed.ts';

export interface RequesterOptions {
  /**
   * A stream that is there, for the replies to several requesters; each follows it in a group of its own. Default: a
   * memory stream for this requester alone, `reply.<random>`, which goes with it.
   */
  replyStream?: string;
  /** Of requests and replies. Default msgpack. */
  // biome-ignore lint/suspicious/noExplicitAny: a codec of any body will do
  codec?: Codec<any>;
}

export interface RequestOptions extends Pick<SendOptions, 'headers' | 'key' | 'priority'> {
  /** Milliseconds until the request is given up; it is not delivered to a responder later. Default 30,000. */
  timeoutMs?: number;
  /** Gives the request up; it rejects with the signal's reason. */
  signal?: AbortSignal;
}

interface Pending<A> {
  readonly resolve: (reply: A) => void;
  readonly reject: (error: unknown) => void;
  readonly timer: NodeJS.Timeout;
}

const TIMEOUT_MS_DEFAULT = 30_000;

/**
 * Sends requests to the streams of a bind and gives their replies. Those who answer use `respond`; whoever else does
 * sends the reply to the stream that the header `reply-to` names, with the request's header `correlation-id`, and
 * `reply-error` where it failed. Where several answer, the first reply counts.
 *
 * The process is kept alive while a request has no reply.
 */
export class Requester<Q = unknown, A = unknown> {
  readonly bind: Bind;
  readonly #core: ConnectionCore;
  readonly #publisher: Publisher<Q>;
  readonly #inbox: ReplyInbox<A>;
  readonly #id = `reply.${randomUUID()}`;
  readonly #pending = new Map<string, Pending<A>>();
  #count = 0;
  #idle: (() => void)[] = [];
  #closing: Promise<void> | undefined;

  constructor(connection: Connection, bind: Bind, options: RequesterOptions = {}) {
    const { replyStream, codec } = options;
    this.bind = bind;
    this.#core = coreOf(connection);
    this.#publisher = new Publisher<Q>(connection, bind, { mustMatch: true, ...(codec && { codec }) });
    this.#inbox = new ReplyInbox<A>({
      connection,
      id: this.#id,
      shared: replyStream,
      codec,
      onReply: (message) => this.#replied(message),
      onLost: (error) => this.#inboxLost(error),
    });
  }

  /**
   * @returns the body of the reply
   * @throws RequestFailed when the responder failed; RequestTimeout when no reply came in time; whatever sendMessage
   *   throws; NoMatchingStream
   */
  request(body: Q, options: RequestOptions = {}): Promise<A> {
    const { timeoutMs = TIMEOUT_MS_DEFAULT, signal, headers, ...rest } = options;
    try {
      if (this.#closing !== undefined) throw new ConnectionLost('the requester was closed');
      if (this.#core.isClosing) throw new ConnectionLost('the connection was closed');
      wholeNumber('timeoutMs', timeoutMs, 1, 2 ** 31 - 1);
      signal?.throwIfAborted();
    } catch (error) {
      return Promise.reject(error);
    }
    const id = `${this.#id}.${++this.#count}`;
    const reply = new Promise<A>((resolve, reject) => {
      const timer = setTimeout(() => this.#finish(id)?.reject(this.#timeout(timeoutMs)), timeoutMs);
      this.#pending.set(id, { resolve, reject, timer });
    });
    this.#core.drainables.add(this);
    this.#core.link.hold();
    const abort = (): void => this.#finish(id)?.reject(signal!.reason);
    signal?.addEventListener('abort', abort, { once: true });
    const all = { ...headers, [REPLY_TO]: this.#inbox.stream, [CORRELATION_ID]: id };
    void this.#send(id, body, { ...rest, headers: all, ttlMs: timeoutMs });
    return signal === undefined ? reply : reply.finally(() => signal.removeEventListener('abort', abort));
  }

  /** Waits for the replies to what was requested; nothing can be requested afterwards. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** What Connection.close calls: it waits for no replies. */
  drain(): Promise<void> {
    const closed = this.close();
    this.#rejectAll(new ConnectionLost('the connection was closed'));
    return closed;
  }

  async #close(): Promise<void> {
    if (this.#pending.size > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
    // An idle requester does not keep the process alive; one that is closing does, until it has.
    this.#core.link.hold();
    try {
      await this.#publisher.close();
      await this.#inbox.close();
    } finally {
      this.#core.link.release();
      this.#core.drainables.delete(this);
    }
  }

  async #send(id: string, body: Q, options: SendOptions): Promise<void> {
    try {
      await this.#inbox.open();
      if (this.#pending.has(id)) await this.#publisher.sendMessage(body, options);
    } catch (error) {
      this.#finish(id)?.reject(error);
    }
  }

  #replied(message: Message<A>): void {
    const { headers } = message;
    const pending = this.#finish(headers[CORRELATION_ID] ?? '');
    if (pending === undefined) return;
    const error = headers[REPLY_ERROR];
    if (error !== undefined) {
      pending.reject(new RequestFailed(error));
      return;
    }
    try {
      pending.resolve(message.body);
    } catch (undecodable) {
      pending.reject(undecodable);
    }
  }

  /** The broker removed the stream, as it may when it was restarted or not reached for long: another takes its place. */
  #inboxLost(error: SimpleMQError): void {
    if (error.code !== 'StreamNotFound' || this.#closing !== undefined) this.#rejectAll(error);
    else if (this.#pending.size > 0) this.#inbox.open().catch((again) => this.#rejectAll(again));
  }

  /** Who waits for the reply to a request, once. */
  #finish(id: string): Pending<A> | undefined {
    const pending = this.#pending.get(id);
    if (pending === undefined) return undefined;
    this.#pending.delete(id);
    clearTimeout(pending.timer);
    this.#core.link.release();
    if (this.#pending.size === 0) for (const resolve of this.#idle.splice(0)) resolve();
    return pending;
  }

  #rejectAll(error: unknown): void {
    for (const id of [...this.#pending.keys()]) this.#finish(id)?.reject(error);
  }

  #timeout(timeoutMs: number): SimpleMQError {
    return new RequestTimeout(
      `no reply to a request on ${this.bind} came within ${timeoutMs} ms (timeoutMs); does a responder follow it?`,
      { details: { limit: 'timeoutMs', value: timeoutMs } },
    );
  }
}
