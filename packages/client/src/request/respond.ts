import { SimpleMQError } from '@simplemq/protocol';
import { Bind } from '../bind.ts';
import type { Connection } from '../connection/connection.ts';
import { Follower } from '../follower/follower.ts';
import type { FollowerOptions } from '../follower/follower-options.ts';
import type { Message } from '../follower/message.ts';
import type { RunOptions } from '../follower/run-options.ts';
import { reasonOf } from '../follower/worker.ts';
import { CORRELATION_ID, REPLY_ERROR, REPLY_TO } from './headers.ts';

// biome-ignore lint/suspicious/noExplicitAny: options without a schema or hooks suit any body
export interface RespondOptions<Q = any> extends FollowerOptions<Q>, RunOptions<Q> {}

/** A worker that answers requests, until it is closed or its `signal` or SIGTERM ends it. */
export interface Responder extends AsyncDisposable {
  /** Resolves when it has drained; rejects with why it cannot follow. */
  readonly ended: Promise<void>;
  /** Drains it: the requests in hand are answered. */
  close(): Promise<void>;
}

/**
 * Answers requests with what `handler` makes of them. The reply is published and the request acked in one transaction,
 * so a request has one reply, or is handled again. An error of the handler is the reply too: the requester gets it as
 * RequestFailed, and the request is not tried again. A requester that is gone gets no reply, and so does a request that
 * the handler settles itself. A message that asks for no reply is handled as by Follower.run.
 *
 * Needs the feature 'transactions'.
 *
 * @throws InvalidName, InvalidOption
 */
export function respond<Q = unknown, A = unknown>(
  connection: Connection,
  bind: Bind,
  handler: (message: Message<Q>) => A | Promise<A>,
  options: RespondOptions<Q> = {},
): Responder {
  const stop = new AbortController();
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
  const answers = new Answers<Q>(connection, handler, options);
  const follower = new Follower<Q>(connection, bind, options);
  const ended = follower.run((message) => answers.answer(message), { ...options, signal });
  // Whoever looks at it is told; where nobody does, the process is not to end for it.
  ended.catch(() => undefined);
  const close = (): Promise<void> => {
    stop.abort();
    return ended;
  };
  return { ended, close, [Symbol.asyncDispose]: close };
}

interface Reply {
  readonly body: unknown;
  /** Why there is none. */
  readonly error?: string;
}

/** These speak of the reply itself: another one can be sent. */
const REPLY_FAULTS: ReadonlySet<string> = new Set(['MessageTooLarge', 'InvalidOption']);
/** Nobody waits there. */
const NOBODY_THERE: ReadonlySet<string> = new Set(['StreamNotFound', 'InvalidName']);

class Answers<Q> {
  readonly #connection: Connection;
  readonly #handler: (message: Message<Q>) => unknown;
  readonly #options: RespondOptions<Q>;

  constructor(connection: Connection, handler: (message: Message<Q>) => unknown, options: RespondOptions<Q>) {
    this.#connection = connection;
    this.#handler = handler;
    this.#options = options;
  }

  async answer(message: Message<Q>): Promise<void> {
    const replyTo = message.headers[REPLY_TO];
    if (replyTo === undefined) {
      await this.#handler(message);
      return;
    }
    let reply: Reply;
    try {
      reply = { body: await this.#handler(message) };
    } catch (error) {
      this.#options.onError?.(error, message);
      reply = failure(error);
    }
    // Settled by the handler itself, or nacked when its time was over.
    if (!message.unsettled) return;
    try {
      await this.#send(message, replyTo, reply);
    } catch (error) {
      if (error instanceof SimpleMQError && !REPLY_FAULTS.has(error.code)) throw error;
      await this.#send(message, replyTo, failure(error));
    }
  }

  /** Where nobody waits for the reply, the request is left to be acked alone. */
  async #send(message: Message<Q>, replyTo: string, { body, error }: Reply): Promise<void> {
    const { codec } = this.#options;
    const headers = {
      [CORRELATION_ID]: message.headers[CORRELATION_ID] ?? '',
      ...(error !== undefined && { [REPLY_ERROR]: error }),
    };
    try {
      await this.#connection.transaction((transaction) => {
        // A failure has no body, and a codec may have no way to write that.
        const own = codec !== undefined && error === undefined ? { codec } : {};
        transaction.publish(new Bind(replyTo), body, { headers, ...own });
        transaction.ack(message);
      });
    } catch (failed) {
      if (!(failed instanceof SimpleMQError) || !NOBODY_THERE.has(failed.code)) throw failed;
    }
  }
}

function failure(error: unknown): Reply {
  return { body: null, error: reasonOf(error) };
}
