import {
  decodeTransacted,
  ENVELOPE_VALUES_MAX,
  encodeTransactionHead,
  FRAME_OVERHEAD_BYTES_MIN,
  MessageTooLarge,
  Opcode,
  ProtocolViolation,
  type SimpleMQError,
  StaleAck,
  TRANSACTION_PUBLISHES_MAX,
  type Transacted,
  type WelcomeLimits,
  type TransactionAcks as WireAcks,
} from '@simplemq/protocol';
import { TRANSACTIONS } from '../publisher/features.ts';
import type { Numbered } from '../publisher/numbered.ts';
import { tooLarge } from '../publisher/outgoing-batch.ts';
import { giveReceipts, type Receipt } from '../publisher/receipt.ts';
import type { TransactionReceipt } from './transaction.ts';
import type { TransactionAcks } from './transaction-acks.ts';
import type { PublishBatch, TransactionPublishes } from './transaction-publishes.ts';

/** Bytes and values that an envelope takes at most, beside names: for each publish, ack and range. */
const BYTES_EACH = 64;
const VALUES_EACH = 8;

/** A transaction on its way to the broker. */
export class OutgoingTransaction implements Numbered<Transacted> {
  readonly opcode: number = Opcode.Transaction;
  readonly what = 'a transaction';
  readonly features: number;
  number = 0;
  firstSentAt = 0;
  readonly receipt: Promise<TransactionReceipt>;
  readonly #settle: PromiseWithResolvers<TransactionReceipt>;
  readonly #publishes: TransactionPublishes;
  readonly #acks: TransactionAcks;
  readonly #wireAcks: readonly WireAcks[];
  readonly #batches: readonly Buffer[];

  constructor(publishes: TransactionPublishes, acks: TransactionAcks) {
    this.features = publishes.features | TRANSACTIONS;
    this.#settle = Promise.withResolvers();
    this.receipt = this.#settle.promise;
    this.#publishes = publishes;
    this.#acks = acks;
    this.#wireAcks = acks.entries();
    this.#batches = publishes.batches.map(({ builder }) => builder.finish());
  }

  /** Why it needs not be sent for the first time, if it needs not. */
  get stale(): SimpleMQError | undefined {
    return this.#acks.leasesHold ? undefined : leasesGone();
  }

  fits(limits: WelcomeLimits): boolean {
    return this.#excess(limits) === undefined;
  }

  refit(limits: WelcomeLimits): void {
    this.reject(this.#excess(limits)!);
  }

  head(requestId: number, settled: number): Buffer {
    const { number } = this;
    const publishes = this.#publishes.batches.map(({ bind, mustMatch }) => ({
      bind,
      ...(mustMatch && { mustMatch }),
    }));
    const lengths = this.#batches.map((batch) => batch.length);
    return encodeTransactionHead(requestId, { number, settled, acks: this.#wireAcks, publishes }, lengths);
  }

  batches(): Buffer {
    return this.#batches.length === 1 ? this.#batches[0]! : Buffer.concat(this.#batches);
  }

  decodeAnswer(payload: Buffer): Transacted {
    const answer = decodeTransacted(payload);
    if (answer.publishes.length === this.#batches.length) return answer;
    throw new ProtocolViolation(
      `the server answered a transaction of ${this.#batches.length} publishes with ${answer.publishes.length}`,
    );
  }

  confirm({ publishes, durability }: Transacted): void {
    const receipts: Receipt[] = new Array(this.#publishes.count);
    this.#publishes.batches.forEach((batch: PublishBatch, i) => {
      giveReceipts(batch.publishes.length, publishes[i]!, durability, (receipt, record) => {
        receipts[batch.publishes[record]!] = receipt;
      });
    });
    this.#settle.resolve({ publishes: receipts, durability });
  }

  reject(error: SimpleMQError): void {
    // Sent again after a reconnect it names followers that were of the connection before.
    this.#settle.reject(error.code === 'FollowerNotFound' ? leasesGone(error) : error);
  }

  /** The first limit that it does not keep to, if there is one. */
  #excess(limits: WelcomeLimits): SimpleMQError | undefined {
    const { batches, largestBody } = this.#publishes;
    if (largestBody > limits.maxMessageBytes) return tooLarge(largestBody, limits.maxMessageBytes);
    const most = Math.max(0, ...batches.map(({ publishes }) => publishes.length));
    const { bytes, values } = this.#envelopeSize();
    const sum = this.#batches.reduce((total, batch) => total + batch.length, bytes);
    return (
      excess('maxBatchRecords', 'messages of one priority for one stream', most, limits.maxBatchRecords) ??
      excess('TRANSACTION_PUBLISHES_MAX', 'batches', batches.length, TRANSACTION_PUBLISHES_MAX) ??
      excess('ENVELOPE_VALUES_MAX', 'parts', values, ENVELOPE_VALUES_MAX) ??
      excess('maxFrameBytes', 'bytes', sum, limits.maxFrameBytes)
    );
  }

  /** An upper bound. */
  #envelopeSize(): { bytes: number; values: number } {
    let parts = this.#batches.length;
    let names = 0;
    for (const { bind } of this.#publishes.batches) names += Object.values(bind)[0]!.length;
    for (const { entries } of this.#wireAcks) {
      parts++;
      for (const { stream, ranges } of entries) {
        parts += 1 + ranges.length;
        names += stream.length;
      }
    }
    // As much for itself as a follower's frame needs, which has each message to have room for too.
    const bytes = FRAME_OVERHEAD_BYTES_MIN + parts * BYTES_EACH + names * 3;
    return { bytes, values: (1 + parts) * VALUES_EACH };
  }
}

function leasesGone(cause?: SimpleMQError): SimpleMQError {
  return new StaleAck(
    'the transaction came too late: the leases of messages that it acks ended with their connection or follower; nothing changed',
    { cause },
  );
}

function excess(limit: string, what: string, value: number, max: number): SimpleMQError | undefined {
  if (value <= max) return undefined;
  return new MessageTooLarge(
    `a transaction has ${value} ${what}; the limit is ${max} (${limit}): make several of it`,
    {
      details: { limit, value, max },
    },
  );
}
