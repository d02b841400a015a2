import { inspect } from 'node:util';
import { type Attributes, type SimpleMQError, StaleAck } from '@simplemq/protocol';
import { PRIORITIES, type Priority } from '../message/priority.ts';
import { shownBody } from '../message/read-message.ts';
import type { Run } from './run.ts';
import { RefusedSettlement } from './settlement.ts';

export interface NackOptions {
  /**
   * Deliver again no sooner than in so many milliseconds, rounded; 0: at once, at most a year. What is no number from 0
   * on counts as 0. Default: as the group's retry policy has it.
   */
  delayMs?: number;
  /** Why, for those who look at it later. */
  reason?: string;
}

const OPEN = 0;
const ACKED = 1;
const ACKED_BEFORE = 2;
const NACKED = 3;
const REJECTED = 4;
/** A transaction whose function still runs will ack it. */
const ENLISTED = 5;

/** What became of a message that cannot be settled any more, by its state. */
const FATES: readonly string[] = [
  'its lease ended with the connection or the follower that it came by; it is delivered again',
  'it was acked before',
  'it was acked before',
  'it was nacked before',
  'it was rejected before',
  'a transaction has it',
];

/** Bodies are decoded on first sight; this says that one was not. */
const UNREAD: unique symbol = Symbol('unread');

/**
 * A message that was delivered to a follower. Settle it once: with ack(), nack() or reject(), or in a transaction.
 * Promises of settlements need not be awaited: those that fail unawaited are told by the connection's event 'staleAck'.
 *
 * What it shows is as in ReadMessage. It does not extend it because a second constructor for each message shows.
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
   * What was published; with a follower's `schema`, what that makes of it. Bytes are a view of the received frame: copy
   * them to keep them for long.
   *
   * @throws ProtocolViolation when the codec cannot decode it
   */
  get body(): T {
    if (this.#body === UNREAD) this.#body = this.#run.body(this.#offset, this.sequence);
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

  /**
   * Aborted when the lease is lost (its time ran out, the connection went), when the follower drains, and when the
   * handler takes longer than its `timeoutMs`.
   */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      this.#run.held.watch(this);
    }
    return this.#abort.signal;
  }

  /** Whether it was neither settled yet nor put into a transaction. */
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
   * The message failed: it is delivered again, one attempt further, as the group's retry policy has it.
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
   * @returns when it is there
   * @throws StaleAck, ConnectionLost; Unsupported by a broker without the feature 'deadLetters'
   */
  reject(reason?: string): Promise<void> {
    const { held } = this.#run;
    if (this.#state !== OPEN || !held.alive) return this.#settledBefore('reject');
    const refusal = held.rejectRefusal;
    if (refusal !== undefined) return this.#refused(refusal);
    this.#state = REJECTED;
    return held.settler.reject(this.#run, this.sequence, reason);
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

  /** The lease is lost, the follower drains, or the handler's time is over. For the SDK's own use. */
  abort(reason: SimpleMQError): void {
    this.#abort ??= new AbortController();
    this.#abort.abort(reason);
  }

  /** What a range of its stream and attempt has to cover to mean this message. For the SDK's own use. */
  get run(): Run<T> {
    return this.#run;
  }

  /** Whether its lease is to be kept: it is unsettled, or in a transaction that is not sent yet. For the SDK's own use. */
  get needsLease(): boolean {
    return this.#state === OPEN || this.#state === ENLISTED;
  }

  /**
   * A transaction takes it. For the SDK's own use.
   *
   * @returns false when it needs no ack because of autoAck
   * @throws StaleAck when it is settled, in another transaction, or its lease is gone
   */
  enlist(): boolean {
    if (this.#state === ACKED_BEFORE) return false;
    if (this.#state !== OPEN || !this.#run.held.alive) throw this.#staleError('ack in a transaction');
    this.#state = ENLISTED;
    return true;
  }

  /**
   * Its transaction is sent now. For the SDK's own use.
   *
   * @throws StaleAck when it was taken from the transaction, or its lease is gone
   */
  commit(): void {
    if (this.#state !== ENLISTED || !this.#run.held.alive) throw this.#staleError('ack in a transaction');
    this.#state = ACKED;
  }

  /** Its transaction came to nothing, so that it can be settled otherwise. For the SDK's own use. */
  delist(): void {
    if (this.#state === ENLISTED || this.#state === ACKED) this.#state = OPEN;
  }

  /** Nacks it also when a transaction has it, unless that was sent. For the SDK's own use. */
  giveUp(options: NackOptions): void {
    if (this.#state === ENLISTED) this.#state = OPEN;
    if (this.#state === OPEN) void this.nack(options);
  }

  /** Shows what a schema made of the body. For the SDK's own use. */
  replaceBody(body: T): void {
    this.#body = body;
  }

  #allAttributes(): Attributes {
    this.#attributes ??= this.#run.attributes(this.#offset);
    return this.#attributes;
  }

  #settledBefore(what: string): Promise<void> {
    if (this.#state === ACKED_BEFORE && what === 'ack') return Promise.resolve();
    return this.#refused(this.#staleError(what));
  }

  #refused(error: SimpleMQError): Promise<void> {
    const { sequence, attempt, stream } = this;
    const ranges = [{ stream, ranges: [{ first: sequence, last: sequence, attempt }] }];
    return new RefusedSettlement(error, () => this.#run.held.tellStale({ ranges, error }));
  }

  #staleError(what: string): SimpleMQError {
    const { stream, sequence, attempt } = this;
    return new StaleAck(`${what} of ${stream} ${sequence} came too late: ${FATES[this.#state]}`, {
      details: { stream, sequence, attempt },
    });
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
