import {
  BatchBuilder,
  type Confirm,
  decodeBatch,
  MessageTooLarge,
  RECORD_RAW,
  readRecord,
  type SimpleMQError,
  type WelcomeLimits,
  type WireBind,
} from '@simplemq/protocol';
import type { Receipt } from './receipt.ts';

export type ReceiptResolver = (receipt: Receipt | PromiseLike<Receipt>) => void;

export interface OutgoingBatchOptions {
  bind: WireBind;
  mustMatch: boolean;
  /** Attributes that all records share. */
  shared?: Buffer | undefined;
  /** What the broker must be able to do for this batch. */
  features?: readonly string[] | undefined;
  initialBytes?: number;
}

/** Whom a batch tells how it went, beside those who wait for its receipts. */
export interface BatchOwner {
  batchSettled(batch: OutgoingBatch): void;
}

/**
 * Messages on their way to the broker as one record batch, with those who wait for their receipts.
 *
 * Invariant: `resolvers[i]` waits for record i, and every one of them is settled exactly once.
 */
export class OutgoingBatch {
  readonly bind: WireBind;
  readonly mustMatch: boolean;
  readonly features: readonly string[] | undefined;
  readonly owner: BatchOwner;
  /** The batch's number among those of its producer; 0 until it is first sent. */
  number = 0;
  /** When it was first sent, by performance.now(). */
  firstSentAt = 0;
  /** The body of most bytes. */
  largestBody = 0;
  readonly #shared: Buffer | undefined;
  readonly #builder: BatchBuilder;
  readonly #resolvers: ReceiptResolver[] = [];
  #finished: Buffer | undefined;

  constructor(owner: BatchOwner, options: OutgoingBatchOptions) {
    this.owner = owner;
    this.bind = options.bind;
    this.mustMatch = options.mustMatch;
    this.features = options.features;
    this.#shared = options.shared;
    this.#builder = new BatchBuilder({
      ...(options.shared && { shared: options.shared }),
      ...(options.initialBytes !== undefined && { initialBytes: options.initialBytes }),
    });
  }

  get count(): number {
    return this.#resolvers.length;
  }

  get bytes(): number {
    return this.#builder.bytes;
  }

  append(body: Uint8Array, isRaw: boolean, attributes: Buffer | undefined, resolver: ReceiptResolver): void {
    this.#builder.append(body, isRaw, attributes);
    if (body.length > this.largestBody) this.largestBody = body.length;
    this.#resolvers.push(resolver);
  }

  /** The record batch; nothing can be appended afterwards. */
  encoded(): Buffer {
    this.#finished ??= this.#builder.finish();
    return this.#finished;
  }

  confirm(confirm: Confirm): void {
    const { streams, durability } = confirm;
    const resolvers = this.#resolvers;
    const only = streams[0];
    if (only !== undefined && streams.length === 1) {
      const { stream, first } = only;
      for (let i = 0; i < resolvers.length; i++) {
        resolvers[i]!({ streams: [{ stream, sequence: first + i }], durability });
      }
    } else {
      for (let i = 0; i < resolvers.length; i++) {
        resolvers[i]!({
          streams: streams.map(({ stream, first }) => ({ stream, sequence: first + i })),
          durability,
        });
      }
    }
    this.owner.batchSettled(this);
  }

  reject(error: SimpleMQError): void {
    for (const resolve of this.#resolvers) resolve(Promise.reject(error));
    this.owner.batchSettled(this);
  }

  /** Whether a server with these limits takes it as it is. */
  fits(limits: WelcomeLimits): boolean {
    return this.count <= limits.maxBatchRecords && this.largestBody <= limits.maxMessageBytes;
  }

  /**
   * The same messages as batches that keep to `limits`; those that no batch can hold are rejected. Needed only for
   * what was appended before the server told its limits.
   */
  split(limits: WelcomeLimits): OutgoingBatch[] {
    const { records, count } = decodeBatch(this.encoded());
    const batches: OutgoingBatch[] = [];
    let current: OutgoingBatch | undefined;
    let offset = 0;
    for (let i = 0; i < count; i++) {
      const { flags, attributes, body, end } = readRecord(records, offset);
      offset = end;
      if (body.length > limits.maxMessageBytes) {
        this.#resolvers[i]!(Promise.reject(tooLarge(body.length, limits.maxMessageBytes)));
        continue;
      }
      if (current === undefined || current.count >= limits.maxBatchRecords) {
        current = new OutgoingBatch(this.owner, { ...this, shared: this.#shared });
        batches.push(current);
      }
      const own = attributes.length > 0 ? attributes : undefined;
      current.append(body, (flags & RECORD_RAW) !== 0, own, this.#resolvers[i]!);
    }
    return batches;
  }
}

export function tooLarge(bytes: number, limit: number): SimpleMQError {
  return new MessageTooLarge(
    `a message has a body of ${bytes} bytes; the limit is ${limit} (limits.maxMessageBytes): send less, or raise it in the broker's settings`,
    { details: { limit: 'maxMessageBytes', value: bytes, max: limit } },
  );
}
