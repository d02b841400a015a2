import {
  BATCH_HEADER_BYTES,
  BatchBuilder,
  type Confirm,
  decodeBatch,
  decodeConfirm,
  encodePublishHead,
  FRAME_OVERHEAD_BYTES_MIN,
  MessageTooLarge,
  Opcode,
  RECORD_RAW,
  readRecord,
  type SimpleMQError,
  type WelcomeLimits,
  type WireBind,
} from '@simplemq/protocol';
import type { BatchMemory } from './batch-memory.ts';
import type { Numbered } from './numbered.ts';
import { giveReceipts, type Receipt } from './receipt.ts';

export type ReceiptResolver = (receipt: Receipt | PromiseLike<Receipt>) => void;

export interface OutgoingBatchOptions {
  bind: WireBind;
  mustMatch: boolean;
  lane: number;
  /** What the broker must be able to do for this batch, as bits; see features.ts. */
  features: number;
  /** Attributes that all records share. */
  shared?: Buffer | undefined;
  initialBytes?: number;
}

/** Whom a batch tells how it went, beside those who wait for its receipts. */
export interface BatchOwner {
  readonly memory: BatchMemory;
  batchSettled(batch: OutgoingBatch): void;
  /** Puts `parts` in the place of a batch that was taken, in front of all others. */
  replace(batch: OutgoingBatch, parts: readonly OutgoingBatch[]): void;
}

/**
 * Messages on their way to the broker as one record batch, with those who wait for their receipts.
 *
 * Invariant: `resolvers[i]` waits for record i, and every one of them is settled exactly once.
 */
export class OutgoingBatch implements Numbered<Confirm> {
  readonly opcode: number = Opcode.Publish;
  readonly what = 'a publish';
  readonly bind: WireBind;
  readonly mustMatch: boolean;
  readonly lane: number;
  features: number;
  number = 0;
  firstSentAt = 0;
  readonly #owner: BatchOwner;
  readonly #shared: Buffer | undefined;
  readonly #builder: BatchBuilder;
  readonly #resolvers: ReceiptResolver[] = [];
  /** The body of most bytes. */
  #largestBody = 0;
  #finished: Buffer | undefined;

  constructor(owner: BatchOwner, options: OutgoingBatchOptions) {
    this.#owner = owner;
    this.bind = options.bind;
    this.mustMatch = options.mustMatch;
    this.lane = options.lane;
    this.features = options.features;
    this.#shared = options.shared;
    this.#builder = new BatchBuilder({
      ...(options.shared && { shared: options.shared }),
      ...(options.initialBytes !== undefined && { initialBytes: options.initialBytes }),
      take: (bytes) => owner.memory.take(bytes),
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
    if (body.length > this.#largestBody) this.#largestBody = body.length;
    this.#resolvers.push(resolver);
  }

  head(requestId: number, settled: number): Buffer {
    const { bind, number, mustMatch } = this;
    const publish = { bind, number, settled, ...(mustMatch && { mustMatch }) };
    return encodePublishHead(requestId, publish, this.batches().length);
  }

  /** The record batch; nothing can be appended afterwards. */
  batches(): Buffer {
    this.#finished ??= this.#builder.finish();
    return this.#finished;
  }

  decodeAnswer(payload: Buffer): Confirm {
    return decodeConfirm(payload);
  }

  confirm({ streams, durability }: Confirm): void {
    const resolvers = this.#resolvers;
    giveReceipts(resolvers.length, streams, durability, (receipt, i) => resolvers[i]!(receipt));
    // The broker has all of it, so no socket has anything of it left to write.
    this.#owner.memory.give(this.#builder.memory);
    this.#owner.batchSettled(this);
  }

  reject(error: SimpleMQError): void {
    for (const resolve of this.#resolvers) resolve(Promise.reject(error));
    this.#owner.batchSettled(this);
  }

  fits(limits: WelcomeLimits): boolean {
    return (
      this.count <= limits.maxBatchRecords &&
      this.#largestBody <= limits.maxMessageBytes &&
      this.bytes <= batchBytesMax(limits)
    );
  }

  /** Needed only for what was appended before the server told its limits. */
  refit(limits: WelcomeLimits): void {
    this.#owner.replace(this, this.#split(limits));
  }

  /** The same messages as batches that keep to `limits`; those that no batch can hold are rejected. */
  #split(limits: WelcomeLimits): OutgoingBatch[] {
    const { records, count } = decodeBatch(this.batches());
    const bytesMax = batchBytesMax(limits);
    const emptyBytes = BATCH_HEADER_BYTES + (this.#shared?.length ?? 0);
    const batches: OutgoingBatch[] = [];
    let current: OutgoingBatch | undefined;
    let offset = 0;
    for (let i = 0; i < count; i++) {
      const { flags, attributes, body, end } = readRecord(records, offset);
      const bytes = end - offset;
      offset = end;
      const excess = excessOf(body.length, emptyBytes + bytes, limits);
      if (excess !== undefined) {
        this.#resolvers[i]!(Promise.reject(excess));
        continue;
      }
      const isFull = current !== undefined && current.bytes + bytes > bytesMax;
      if (current === undefined || isFull || current.count >= limits.maxBatchRecords) {
        current = new OutgoingBatch(this.#owner, { ...this, shared: this.#shared });
        batches.push(current);
      }
      const own = attributes.length > 0 ? attributes : undefined;
      current.append(body, (flags & RECORD_RAW) !== 0, own, this.#resolvers[i]!);
    }
    return batches;
  }
}

/** What a batch may have, so that a frame has room for it and for what is around it, also on its way to a follower. */
export function batchBytesMax({ maxFrameBytes }: WelcomeLimits): number {
  return maxFrameBytes - FRAME_OVERHEAD_BYTES_MIN;
}

/** Why no batch can hold a message, if none can: `batchBytes` are those of a batch of it alone. */
function excessOf(bodyBytes: number, batchBytes: number, limits: WelcomeLimits): SimpleMQError | undefined {
  const { maxMessageBytes, maxFrameBytes } = limits;
  if (bodyBytes > maxMessageBytes) return tooLarge(bodyBytes, maxMessageBytes);
  if (batchBytes <= batchBytesMax(limits)) return undefined;
  return new MessageTooLarge(
    `a message has ${batchBytes} bytes with its headers and options; the limit is ${batchBytesMax(limits)}, as a frame has ${maxFrameBytes} (limits.maxFrameBytes) and needs ${FRAME_OVERHEAD_BYTES_MIN} for what is around it: send less, or raise it in the broker's settings`,
    { details: { limit: 'maxFrameBytes', value: batchBytes, max: batchBytesMax(limits) } },
  );
}

export function tooLarge(bytes: number, limit: number): SimpleMQError {
  return new MessageTooLarge(
    `a message has a body of ${bytes} bytes; the limit is ${limit} (limits.maxMessageBytes): send less, or raise it in the broker's settings`,
    { details: { limit: 'maxMessageBytes', value: bytes, max: limit } },
  );
}
