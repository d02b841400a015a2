import { type SimpleMQError, Unsupported } from '@simplemq/protocol';
import type { Bind } from '../bind.ts';
import { msgpack } from '../codec/msgpack.ts';
import type { Connection } from '../connection/connection.ts';
import { type ConnectionCore, coreOf } from '../connection/core.ts';
import { invalid } from '../connection/options.ts';
import type { Session } from '../connection/session.ts';
import { bodyReader } from '../message/body-reader.ts';
import { BodyCheck } from '../schema/body-check.ts';
import { CheckedIterator } from './checked-iterator.ts';
import { checkFollowerOptions, type FollowerOptions, featuresOf, wireGroup } from './follower-options.ts';
import type { Message, NackOptions } from './message.ts';
import { MessageIterator } from './message-iterator.ts';
import type { SourceOptions } from './message-source.ts';
import { type MessageHandler, type RunOptions, readRunOptions } from './run-options.ts';
import { Worker } from './worker.ts';

export interface GetMessagesOptions {
  /**
   * At most once: messages are acked before your code sees them, and the ack is durable by then. They are acked by
   * the run, as they were delivered, so leaving the loop or a crash loses those of the run that were not seen yet;
   * `prefetch: 1` makes that none. A lost connection loses none that were acked; those whose ack was not answered come
   * again if the broker has not got it, and are lost if it has. Not together with a `schema`, which could not reject
   * them any more. Default false.
   */
  autoAck?: boolean;
  /** Ends the loop after the message in hand. */
  signal?: AbortSignal;
}

/**
 * Takes messages from the streams of a bind. After a lost connection it resumes by itself: what was buffered is
 * delivered again, or shown all the same where autoAck has acked it.
 *
 * @throws InvalidName, InvalidOption
 */
export class Follower<T = unknown> {
  readonly bind: Bind;
  readonly #core: ConnectionCore;
  readonly #options: FollowerOptions<T>;
  readonly #check: BodyCheck<T> | undefined;

  constructor(connection: Connection, bind: Bind, options: FollowerOptions<T> = {}) {
    checkFollowerOptions(options);
    this.bind = bind;
    this.#core = coreOf(connection);
    this.#options = options;
    if (options.schema !== undefined) this.#check = new BodyCheck(options.schema);
  }

  /**
   * The messages as they come, for `for await`. Each call is a follower of its own to the broker. Leaving the loop
   * gives what was not handled back at once; `signal` ends it after the message in hand.
   *
   * @throws from the loop: StreamNotFound, StreamConflict, TooManyFollowers, Unsupported, ConnectionLost …
   */
  getMessages(
    options: GetMessagesOptions = {},
  ): AsyncIterableIterator<Message<T>, undefined> & AsyncDisposable {
    const { autoAck = false, signal } = options;
    if (autoAck && this.#check !== undefined) {
      throw invalid('autoAck', 'with a schema, messages must not be acked before they were looked at');
    }
    const { drainables, link } = this.#core;
    const source = sourceOptions(this.bind, this.#options, { concurrency: 1, autoAck });
    const iterator = new MessageIterator<T>(link, source, signal, {
      started: () => drainables.add(drainable),
      ended: () => drainables.delete(drainable),
    });
    const drainable = { drain: () => iterator.end() };
    return this.#check === undefined ? iterator : new CheckedIterator(iterator, this.#check);
  }

  /**
   * Handles messages until `signal` or SIGTERM: acks when the handler returns, nacks when it throws or takes longer
   * than `timeoutMs`, extends leases while it runs.
   *
   * @returns when it has drained: those in hand were finished, all others given back
   */
  async run(handler: MessageHandler<T>, options: RunOptions<T> = {}): Promise<void> {
    const { drainables, link } = this.#core;
    const settings = readRunOptions(options);
    const source = sourceOptions(this.bind, this.#options, { ...settings, autoAck: false });
    const worker = new Worker<T>(link, source, settings, this.#handlerOf(handler, options));
    const drainable = { drain: () => worker.end() };
    drainables.add(drainable);
    try {
      await worker.run();
    } finally {
      drainables.delete(drainable);
    }
  }

  /** As message.ack(). */
  ackMessage(message: Message<T>): Promise<void> {
    return message.ack();
  }

  /** As message.nack(). */
  nackMessage(message: Message<T>, options?: NackOptions): Promise<void> {
    return message.nack(options);
  }

  /** As message.reject(). */
  rejectMessage(message: Message<T>, reason?: string): Promise<void> {
    return message.reject(reason);
  }

  /** As message.extend(). */
  extendMessage(message: Message<T>): Promise<void> {
    return message.extend();
  }

  /** What a message goes through: the schema, then what is around the handler, then the handler. */
  #handlerOf(handler: MessageHandler<T>, { around }: RunOptions<T>): MessageHandler<T> {
    const surrounded: MessageHandler<T> =
      around === undefined ? handler : (message) => around(message, async () => handler(message));
    return this.#check === undefined ? surrounded : this.#check.before(surrounded);
  }
}

/** What follows a bind as these options have it; `holds`: the process is kept alive by it. */
export function sourceOptions<T>(
  bind: Bind,
  options: FollowerOptions<T>,
  { concurrency, autoAck, holds = true }: { concurrency: number; autoAck: boolean; holds?: boolean },
): SourceOptions<T> {
  const { group, leaseMs, prefetch = 'auto', codec = msgpack } = options;
  const features = featuresOf(options);
  return {
    bind: bind.wire,
    group,
    wireGroup: wireGroup(options),
    leaseMs,
    prefetch,
    concurrency,
    readBody: bodyReader<T>(codec),
    autoAck,
    holds,
    refusal: (session) => refusal(session, features),
  };
}

function refusal(session: Session, needed: readonly string[]): SimpleMQError | undefined {
  const { features, server } = session.welcome;
  const lacking = needed.filter((feature) => !features.includes(feature));
  if (lacking.length === 0) return undefined;
  return new Unsupported(
    `the broker (${server}) lacks the feature '${lacking[0]}', which this follower asks for`,
    { details: { features: lacking } },
  );
}
