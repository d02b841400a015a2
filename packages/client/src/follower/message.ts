import { inspect } from 'node:util';
import { type Attributes, ProtocolViolation, type SimpleMQError, StaleAck } from '@simplemq/protocol';
import { PRIORITIES, type Priority } from './priority.ts';
import type { Run } from './run.ts';
import { RefusedSettlement } from './settlement.ts';

export type { Priority } from './priority.ts';

export interface NackOptions {
  /** Deliver again no sooner than in so many milliseconds. Default 0. */
  delayMs?: number;
  /** Why, for those who look at it later. */
  reason?: string;
}

const OPEN = 0;
const ACKED = 1;
const ACKED_BEFORE = 2;
const NACKED = 3;

/** Bodies are decoded on first sight; this says that one was not. */
const UNREAD: unique symbol = Symbol('unread');

/**
 * A message that was delivered to a follower. Settle it once, with ack() or nack(). Promises of settlements need not be
 * awaited: those that fail unawaited are told by the connection's event 'staleAck'.
 */
export class Message<T = unknown> {
  /** Its number in its stream, from 1. */
  readonly sequence: number;
  readonly #run: Run<T>;
  readonly #offset: number;
  #state = OPEN;
  #body: T | typeof UNREAD = UNREAD;
  #attributes: Attributes | undefined;
  #abort: AbortController | undefined;

  constructor(run: Run<T>, sequence: number, offset: number) {
    this.sequence = sequence;
    this.#run = run;
    this.#offset = offset;
    if (run.held.autoAck) this.#state = ACKED_BEFORE;
  }

  get stream(): string {
    return this.#run.stream;
  }

  /**
   * What was published. Bytes are a view of the received frame: copy them to keep them for long.
   *
   * @throws ProtocolViolation when the codec cannot decode it
   */
  get body(): T {
    if (this.#body === UNREAD) this.#body = this.#decode();
    return this.#body;
  }

  get headers(): Readonly<Record<string, string>> {
    return this.#allAttributes().headers ?? {};
  }

  get key(): string | undefined {
    return this.#allAttributes().key;
  }

  get priority(): Priority {
    return PRIORITIES[this.#allAttributes().priority ?? 1] ?? 'normal';
  }

  /** When the broker took it in. */
  get timestamp(): Date {
    return new Date(this.#run.time);
  }

  /** 1 for the first delivery to the group, one more for each redelivery. */
  get attempt(): number {
    return this.#run.attempt;
  }

  get redelivered(): boolean {
    return this.#run.attempt > 1;
  }

  /** Aborted when the lease is lost (its time ran out, the connection went) or when the follower drains. */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      this.#run.held.watch(this);
    }
    return this.#abort.signal;
  }

  /** Whether it was neither acked nor nacked yet. */
  get unsettled(): boolean {
    return this.#state === OPEN;
  }

  /**
   * The message is done.
   *
   * @returns when that is durable: it is never delivered to the group again
   * @throws StaleAck when it came too late; ConnectionLost when no answer came
   */
  ack(): Promise<void> {
    const run = this.#run;
    if (this.#state !== OPEN || !run.held.alive) return this.#settledBefore('ack');
    this.#state = ACKED;
    return run.held.settler.ack(run, this.sequence);
  }

  /**
   * The message failed: it is delivered again, one attempt further.
   *
   * @throws StaleAck, ConnectionLost
   */
  nack(options: NackOptions = {}): Promise<void> {
    const { held } = this.#run;
    if (this.#state !== OPEN || !held.alive) return this.#settledBefore('nack');
    this.#state = NACKED;
    return held.settler.nack(this.#run, this.sequence, options);
  }

  /**
   * The message can never be handled: it goes to the dead letters.
   *
   * @throws Unsupported by a broker without the feature 'deadLetters'
   */
  reject(reason?: string): Promise<void> {
    return new RefusedSettlement(this.#run.held.rejectError(reason), undefined);
  }

  /**
   * The lease begins anew. The SDK does that by itself for the message in hand; it is for those who hold many.
   *
   * @throws StaleAck, ConnectionLost
   */
  extend(): Promise<void> {
    const { held } = this.#run;
    if (this.#state !== OPEN || !held.alive) return this.#settledBefore('extend');
    return held.settler.extend(this.#run, this.sequence);
  }

  /** The lease is lost, or the follower drains. For the SDK's own use. */
  abort(reason: SimpleMQError): void {
    this.#abort?.abort(reason);
  }

  /** What a range of its stream and attempt has to cover to mean this message. For the SDK's own use. */
  get run(): Run<T> {
    return this.#run;
  }

  #allAttributes(): Attributes {
    this.#attributes ??= this.#run.attributes(this.#offset);
    return this.#attributes;
  }

  #decode(): T {
    const { flags, body } = this.#run.record(this.#offset);
    try {
      return this.#run.held.decode(body, flags);
    } catch (cause) {
      throw new ProtocolViolation(
        `the body of ${this.stream} ${this.sequence} cannot be decoded; does the publisher use the same codec?`,
        { cause, details: { stream: this.stream, sequence: this.sequence } },
      );
    }
  }

  #settledBefore(what: 'ack' | 'nack' | 'extend'): Promise<void> {
    if (this.#state === ACKED_BEFORE && what === 'ack') return Promise.resolve();
    const why =
      this.#state === OPEN
        ? 'its lease ended with the connection or the follower that it came by; it is delivered again'
        : `it was ${this.#state === NACKED ? 'nacked' : 'acked'} before`;
    const error = new StaleAck(`${what} of ${this.stream} ${this.sequence} came too late: ${why}`, {
      details: { stream: this.stream, sequence: this.sequence, attempt: this.attempt },
    });
    const { sequence, attempt, stream } = this;
    const ranges = [{ stream, ranges: [{ first: sequence, last: sequence, attempt }] }];
    return new RefusedSettlement(error, () => this.#run.held.tellStale({ ranges, error }));
  }

  static {
    Object.defineProperty(Message.prototype, inspect.custom, {
      value(this: Message, _depth: number, options: object): string {
        const { stream, sequence, attempt } = this;
        return `Message ${inspect({ stream, sequence, attempt, body: shownBody(this) }, options)}`;
      },
    });
  }
}

function shownBody(message: Message): unknown {
  try {
    return message.body;
  } catch (error) {
    return error;
  }
}
