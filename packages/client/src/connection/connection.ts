import { inspect } from 'node:util';
import { ConnectionLost } from '@simplemq/protocol';
import { Cursor } from '../cursor/cursor.ts';
import { BatchMemory } from '../publisher/batch-memory.ts';
import { PublishQueue } from '../publisher/publish-queue.ts';
import { runTransaction, type Transaction, type TransactionReceipt } from '../transaction/transaction.ts';
import { TransactionSource } from '../transaction/transaction-source.ts';
import { ControlRequests } from './control-requests.ts';
import { type ConnectionCore, setCore } from './core.ts';
import { ConnectionEmitter } from './events.ts';
import { Link } from './link.ts';
import { type ConnectionOptions, readSettings } from './options.ts';

/**
 * A connection to a broker. It connects when it is first used, and from then on reconnects by itself for ever: publishes
 * in flight are sent again and stored once, followers resume, and events tell of it. While nothing is pending and no
 * follower is at work it does not keep the process alive.
 *
 * The first connect must succeed within `requestTimeoutMs`; what waits for it is rejected with ConnectionLost otherwise.
 *
 * @throws InvalidOption
 */
export class Connection extends ConnectionEmitter {
  readonly #core: ConnectionCore;
  #closing: Promise<void> | undefined;

  constructor(options: ConnectionOptions | string = {}) {
    super();
    const link = new Link(readSettings(options), this);
    const requests = new ControlRequests(link);
    const publishes = new PublishQueue(link);
    const transactions = new TransactionSource(publishes);
    const memory = new BatchMemory();
    this.#core = { link, requests, publishes, transactions, drainables: new Set(), memory, isClosing: false };
    setCore(this, this.#core);
  }

  get host(): string {
    return this.#core.link.settings.endpoint.host;
  }

  get port(): number {
    return this.#core.link.settings.endpoint.port;
  }

  /** Whether requests can be sent right now. */
  get connected(): boolean {
    return this.#core.link.session !== undefined;
  }

  /** The management object: streams, groups, what they hold, dead letters, schedules. */
  cursor(): Cursor {
    return new Cursor(this);
  }

  /**
   * Publishes and acks in one commit: all of it is done, or nothing. So a worker that reads, computes and publishes does
   * so exactly once. What `work` puts into the transaction is sent when it has returned; when it throws nothing is sent,
   * and the messages that were to be acked are unsettled again. A transaction with nothing in it is not sent.
   *
   * @returns when all of it is as durable as the receipt says
   * @throws whatever `work` throws; StaleAck when an ack comes too late, and whatever a publish may throw, among them
   *   MessageTooLarge where it does not fit a frame: then nothing of it was done. Unsupported by a broker without the
   *   feature 'transactions'
   */
  transaction(work: (transaction: Transaction) => unknown): Promise<TransactionReceipt> {
    return runTransaction(this.#core, work);
  }

  /**
   * Drains, then closes: publishes are confirmed, settlements answered, followers' unhandled messages given back.
   * Where the broker cannot be reached that ends after requestTimeoutMs. Calling it again gives the same promise.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    const { link, requests, publishes, drainables } = this.#core;
    this.#core.isClosing = true;
    const drained = Promise.allSettled([
      ...[...drainables].map((drainable) => drainable.drain()),
      publishes.settled(),
      requests.settled(),
    ]);
    const timer = Promise.withResolvers<void>();
    const timeout = setTimeout(timer.resolve, link.settings.requestTimeoutMs);
    await Promise.race([drained, timer.promise]);
    clearTimeout(timeout);
    await link.close(new ConnectionLost('the connection was closed'));
  }

  static {
    Object.defineProperty(Connection.prototype, inspect.custom, {
      value(this: Connection): string {
        const state = this.#closing !== undefined ? 'closed' : this.connected ? 'connected' : 'not connected';
        return `Connection { ${this.host}:${this.port}, ${state} }`;
      },
    });
  }
}
