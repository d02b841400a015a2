import { InvalidOption } from '@simplemq/protocol';
import { Bind } from '../bind.ts';
import type { Codec } from '../codec/codec.ts';
import { msgpack } from '../codec/msgpack.ts';
import type { ConnectionCore } from '../connection/core.ts';
import type { Message } from '../follower/message.ts';
import { bodyWriter } from '../publisher/body-writer.ts';
import { tooLarge } from '../publisher/outgoing-batch.ts';
import type { Receipt } from '../publisher/receipt.ts';
import { encodeSendOptions, type SendOptions } from '../publisher/send-options.ts';
import { requireValid } from '../schema/require-valid.ts';
import type { StreamDefinition } from '../schema/stream-definition.ts';
import { OutgoingTransaction } from './outgoing-transaction.ts';
import { TransactionAcks } from './transaction-acks.ts';
import { TransactionPublishes } from './transaction-publishes.ts';

export interface TransactionSendOptions extends SendOptions {
  /** Default msgpack, or that of the stream's definition. */
  // biome-ignore lint/suspicious/noExplicitAny: a codec of any body will do
  codec?: Codec<any>;
  /** A regex bind that matches no stream is NoMatchingStream, and nothing is done. Default false. */
  mustMatch?: boolean;
}

/** Where a transaction publishes: a bind, or a typed stream, whose schema and codec it has too. */
export type PublishTarget<I> = Bind | Pick<StreamDefinition<unknown, I>, 'bind' | 'schema' | 'codec'>;

/** What a transaction is made of. Nothing is sent before the function that fills it has returned. */
export interface Transaction {
  /**
   * Publishes a message with the commit, which tells its receipt. The body is copied before this returns. One that the
   * schema of a typed stream does not find valid fails the transaction.
   *
   * @throws InvalidOption, MessageTooLarge
   */
  publish<I>(target: PublishTarget<I>, body: I, options?: TransactionSendOptions): void;
  /**
   * Acks a message of this connection with the commit. Until then, and afterwards, it cannot be settled otherwise;
   * when the transaction fails it can.
   *
   * @throws StaleAck when it is settled, or its lease is gone
   */
  // biome-ignore lint/suspicious/noExplicitAny: any message can be acked
  ack(message: Message<any>): void;
}

export interface TransactionReceipt {
  /** Of each publish, in the order of the calls. */
  readonly publishes: readonly Receipt[];
  /** The level that was reached: 'memory', 'fsync' or 'quorum'. */
  readonly durability: string;
}

/** Needed no commit: nothing had to be stored. */
const NOTHING_DONE: TransactionReceipt = { publishes: [], durability: 'memory' };

/** What Connection.transaction does. */
export async function runTransaction(
  core: ConnectionCore,
  work: (transaction: Transaction) => unknown,
): Promise<TransactionReceipt> {
  const transaction = new OpenTransaction(core);
  try {
    await work(transaction);
  } catch (error) {
    transaction.abandon();
    throw error;
  }
  return transaction.commit();
}

class OpenTransaction implements Transaction {
  readonly #core: ConnectionCore;
  readonly #publishes = new TransactionPublishes();
  readonly #acks: TransactionAcks;
  /** Of bodies that asynchronous schemas look at. */
  readonly #validations: Promise<void>[] = [];
  #ended = false;

  constructor(core: ConnectionCore) {
    this.#core = core;
    this.#acks = new TransactionAcks(core.link);
  }

  publish<I>(target: PublishTarget<I>, body: I, options: TransactionSendOptions = {}): void {
    this.#checkOpen();
    const { bind, schema, codec: usual } = target instanceof Bind ? untyped(target) : target;
    const { codec = usual ?? msgpack, mustMatch = false, ...rest } = options;
    if (schema !== undefined) this.#validate(requireValid(schema, [body]));
    const writer = bodyWriter(codec);
    const bytes = writer.encode(body);
    const limit = this.#core.link.welcome?.limits.maxMessageBytes;
    if (limit !== undefined && bytes.length > limit) throw tooLarge(bytes.length, limit);
    this.#publishes.add(bind.wire, mustMatch, encodeSendOptions(rest), bytes, writer.isRaw);
  }

  ack(message: Message<unknown>): void {
    this.#checkOpen();
    this.#acks.add(message);
  }

  /** Nothing is sent; its messages are unsettled again. */
  abandon(): void {
    this.#ended = true;
    this.#acks.release();
  }

  async commit(): Promise<TransactionReceipt> {
    this.#ended = true;
    try {
      await Promise.all(this.#validations);
      if (this.#publishes.count === 0 && this.#acks.isEmpty) return NOTHING_DONE;
      this.#acks.commit();
      return await this.#core.transactions.send(new OutgoingTransaction(this.#publishes, this.#acks));
    } catch (error) {
      this.#acks.release();
      throw error;
    }
  }

  #validate(validation: Promise<void> | undefined): void {
    if (validation === undefined) return;
    // The commit, which awaits it, may never come.
    validation.catch(() => undefined);
    this.#validations.push(validation);
  }

  #checkOpen(): void {
    if (!this.#ended) return;
    throw new InvalidOption('the transaction has ended: its function has returned, or failed', {
      details: { option: 'transaction' },
    });
  }
}

function untyped(bind: Bind): Exclude<PublishTarget<unknown>, Bind> {
  return { bind, schema: undefined, codec: undefined };
}
