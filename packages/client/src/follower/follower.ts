import { checkName, type SimpleMQError, Unsupported } from '@simplemq/protocol';
import type { Bind } from '../bind.ts';
import type { Codec } from '../codec/codec.ts';
import { msgpack } from '../codec/msgpack.ts';
import type { Connection } from '../connection/connection.ts';
import { type ConnectionCore, coreOf } from '../connection/core.ts';
import { invalid, wholeNumber } from '../connection/options.ts';
import type { Session } from '../connection/session.ts';
import type { Message, NackOptions } from './message.ts';
import { MessageIterator } from './message-iterator.ts';
import type { SourceOptions } from './message-source.ts';
import { type MessageHandler, type RunOptions, Worker } from './worker.ts';

export interface FollowerOptions {
  /** Followers of one group share a stream's messages. Default workers. Another needs the feature 'groups'. */
  group?: string;
  /**
   * How many messages may be held, the one in hand included. Default 'auto': one for a slow handler, some tens of
   * milliseconds of work for a quick one, and messages behind a handler that turns slow are handed back.
   */
  prefetch?: 'auto' | number;
  /** How long a lease lasts unless extended, in ms; the SDK extends it while the message is in hand. Default 30,000. */
  leaseMs?: number;
  /** Default msgpack. */
  // biome-ignore lint/suspicious/noExplicitAny: a codec of any body will do
  codec?: Codec<any>;
  /** Where a new group begins. Default 'first'. Needs the feature 'startFrom'. */
  startFrom?: 'first' | 'new' | { sequence: number } | { time: Date | number };
  /** 'key' hands messages of one key to one follower at a time. Default 'none'. Needs the feature 'ordering'. */
  ordering?: 'none' | 'key';
  /** Only this follower. Default false. Needs the feature 'exclusive'. */
  exclusive?: boolean;
}

export interface GetMessagesOptions {
  /**
   * At most once: messages are acked before your code sees them, and the ack is durable by then. They are acked by
   * the run, as they were delivered, so leaving the loop or a crash loses those of the run that were not seen yet;
   * `prefetch: 1` makes that none. Default false.
   */
  autoAck?: boolean;
  /** Ends the loop after the message in hand. */
  signal?: AbortSignal;
}

const DEFAULT_GROUP = 'workers';

/**
 * Takes messages from the streams of a bind. After a lost connection it resumes by itself: what was buffered is
 * delivered again.
 *
 * @throws InvalidName, InvalidOption
 */
export class Follower<T = unknown> {
  readonly bind: Bind;
  readonly #core: ConnectionCore;
  readonly #options: FollowerOptions;
  readonly #features: readonly string[];

  constructor(connection: Connection, bind: Bind, options: FollowerOptions = {}) {
    this.bind = bind;
    this.#core = coreOf(connection);
    this.#options = options;
    if (options.group !== undefined) checkName('group', options.group);
    if (typeof options.prefetch === 'number') wholeNumber('prefetch', options.prefetch, 1, 1_000_000);
    else if (options.prefetch !== undefined && options.prefetch !== 'auto') {
      throw invalid('prefetch', "it must be 'auto' or a number");
    }
    if (options.leaseMs !== undefined) wholeNumber('leaseMs', options.leaseMs, 1, 2 ** 31 - 1);
    this.#features = featuresOf(options);
  }

  /**
   * The messages as they come, for `for await`. Each call is a follower of its own to the broker. Leaving the loop
   * gives what was not handled back at once; `signal` ends it after the message in hand.
   *
   * @throws from the loop: StreamNotFound, GroupNotFound, TooManyFollowers, Unsupported, ConnectionLost …
   */
  getMessages(
    options: GetMessagesOptions = {},
  ): AsyncIterableIterator<Message<T>, undefined> & AsyncDisposable {
    const { drainables, link } = this.#core;
    const iterator = new MessageIterator<T>(
      link,
      this.#sourceOptions(1, options.autoAck ?? false),
      options.signal,
      () => drainables.delete(drainable),
    );
    const drainable = { drain: () => iterator.end() };
    drainables.add(drainable);
    return iterator;
  }

  /**
   * Handles messages until `signal` or SIGTERM: acks when the handler returns, nacks with growing delays when it
   * throws, extends leases while it runs.
   *
   * @returns when it has drained: those in hand were finished, all others given back
   */
  async run(handler: MessageHandler<T>, options: RunOptions = {}): Promise<void> {
    const { drainables, link } = this.#core;
    const concurrency = wholeNumber('concurrency', options.concurrency ?? 1, 1, 100_000);
    const worker = new Worker<T>(link, this.#sourceOptions(concurrency, false), handler);
    const drainable = { drain: () => worker.end() };
    drainables.add(drainable);
    try {
      await worker.run(options.signal);
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

  #sourceOptions(concurrency: number, autoAck: boolean): SourceOptions {
    const { group, leaseMs, prefetch = 'auto', codec = msgpack } = this.#options;
    return {
      bind: this.bind.wire,
      group,
      leaseMs,
      prefetch,
      concurrency,
      codec,
      autoAck,
      refusal: (session) => this.#refusal(session),
    };
  }

  #refusal(session: Session): SimpleMQError | undefined {
    const { features, server } = session.welcome;
    const lacking = this.#features.filter((feature) => !features.includes(feature));
    if (lacking.length === 0) return undefined;
    return new Unsupported(
      `the broker (${server}) lacks the feature '${lacking[0]}', which this follower asks for`,
      { details: { features: lacking } },
    );
  }
}

/** What a broker must be able to do, beyond the least, to do as asked. */
function featuresOf({ group, startFrom, ordering, exclusive }: FollowerOptions): string[] {
  const features: string[] = [];
  if (group !== undefined && group !== DEFAULT_GROUP) features.push('groups');
  if (startFrom !== undefined && startFrom !== 'first') features.push('startFrom');
  if (ordering !== undefined && ordering !== 'none') features.push('ordering');
  if (exclusive === true) features.push('exclusive');
  return features;
}
