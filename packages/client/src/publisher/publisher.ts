import { BATCH_RECORDS_MAX, ConnectionLost, MESSAGE_BYTES_MAX, type WireBind } from '@simplemq/protocol';
import type { Bind } from '../bind.ts';
import type { Codec } from '../codec/codec.ts';
import { msgpack } from '../codec/msgpack.ts';
import type { Connection } from '../connection/connection.ts';
import { type ConnectionCore, coreOf } from '../connection/core.ts';
import { wholeNumber } from '../connection/options.ts';
import { type BodyWriter, bodyWriter } from './body-writer.ts';
import { OutgoingBatch, type ReceiptResolver, tooLarge } from './outgoing-batch.ts';
import { Pipeline } from './pipeline.ts';
import type { Receipt } from './receipt.ts';
import { type EncodedOptions, encodeSendOptions, type SendOptions } from './send-options.ts';

export interface PublisherOptions {
  /** How much may be sent and not confirmed: 65,536 messages and 64 MiB unless set. Past it messages wait. */
  maxInFlight?: { messages?: number; bytes?: number };
  /** Default msgpack. */
  // biome-ignore lint/suspicious/noExplicitAny: a codec of any body will do
  codec?: Codec<any>;
  /** A regex bind that matches no stream is NoMatchingStream. Default false: the receipt names no streams. */
  mustMatch?: boolean;
}

/** A batch with as many bytes is sent without waiting for the end of the turn. */
const BATCH_BYTES = 128 * 1024;
/** Room that batches begin with: the first small, then as much as the last took. */
const INITIAL_BYTES = 1_024;
const IN_FLIGHT_MESSAGES = 65_536;
const IN_FLIGHT_BYTES: number = 64 * 1024 * 1024;
const NO_OPTIONS: EncodedOptions = { attributes: undefined, features: undefined };

/** Set by the executor below, so that no closure is made for each message. */
let taken: ReceiptResolver;
const takeResolver = (resolve: ReceiptResolver): void => {
  taken = resolve;
};

/**
 * Writes messages to the streams of a bind. Messages of one turn travel as one batch; their order is that of the
 * calls, on every stream, over reconnects too.
 */
export class Publisher<T = unknown> {
  readonly bind: Bind;
  readonly #core: ConnectionCore;
  readonly #wire: WireBind;
  readonly #mustMatch: boolean;
  readonly #bodies: BodyWriter;
  readonly #maxMessages: number;
  readonly #pipeline: Pipeline;
  /** The batch that messages are appended to. */
  #open: OutgoingBatch | undefined;
  #initialBytes = INITIAL_BYTES;
  #maxMessageBytes = MESSAGE_BYTES_MAX;
  #maxRecords: number;
  #scheduled = false;
  #closed = false;

  constructor(connection: Connection, bind: Bind, options: PublisherOptions = {}) {
    this.bind = bind;
    this.#core = coreOf(connection);
    this.#wire = bind.wire;
    this.#mustMatch = options.mustMatch ?? false;
    this.#bodies = bodyWriter(options.codec ?? msgpack);
    const { messages = IN_FLIGHT_MESSAGES, bytes = IN_FLIGHT_BYTES } = options.maxInFlight ?? {};
    this.#maxMessages = wholeNumber('maxInFlight.messages', messages, 1, Number.MAX_SAFE_INTEGER);
    this.#maxRecords = Math.min(this.#maxMessages, BATCH_RECORDS_MAX);
    this.#pipeline = new Pipeline({
      publishes: this.#core.publishes,
      maxMessages: this.#maxMessages,
      maxBytes: wholeNumber('maxInFlight.bytes', bytes, 1, Number.MAX_SAFE_INTEGER),
      open: () => this.#open,
      closeOpen: () => this.#closeBatch(),
    });
    this.#core.drainables.add(this);
  }

  /**
   * Publishes a message. The body is copied before this returns. Past `maxInFlight` the message waits for its place,
   * and so does the promise.
   *
   * @returns when the broker has it as durably as the receipt says
   * @throws StreamNotFound, NoMatchingStream, MessageTooLarge, StreamFull, StorageFull, Unsupported, ConnectionLost …
   */
  sendMessage(body: T, options?: SendOptions): Promise<Receipt> {
    let encoded: EncodedOptions;
    let bytes: Uint8Array;
    try {
      if (this.#closed) throw new ConnectionLost('the publisher was closed');
      encoded = options === undefined ? NO_OPTIONS : encodeSendOptions(options);
      bytes = this.#bodies.encode(body);
      if (bytes.length > this.#maxMessageBytes) throw tooLarge(bytes.length, this.#maxMessageBytes);
    } catch (error) {
      return Promise.reject(error);
    }
    const promise = new Promise<Receipt>(takeResolver);
    const resolver = taken;
    const batch = encoded.features === undefined ? this.#batchFor(bytes) : this.#ownBatch(encoded.features);
    batch.append(bytes, this.#bodies.isRaw, encoded.attributes, resolver);
    if (!this.#scheduled) this.#schedule();
    return promise;
  }

  /**
   * Publishes messages in the order of `bodies`; the options are those of each. They travel as one batch, or as
   * several where one would be too large. When it rejects, it is with the first error; the others may be stored.
   */
  sendMessages(bodies: Iterable<T>, options: SendOptions = {}): Promise<Receipt[]> {
    const promises: Promise<Receipt>[] = [];
    try {
      if (this.#closed) throw new ConnectionLost('the publisher was closed');
      const encoded = encodeSendOptions(options);
      this.#closeBatch();
      for (const body of bodies) promises.push(this.#appendShared(body, encoded));
    } catch (error) {
      promises.push(Promise.reject(error));
    }
    this.#closeBatch();
    if (!this.#scheduled) this.#schedule();
    return Promise.all(promises);
  }

  /** Resolves when everything sent so far was confirmed or rejected; each promise tells which. */
  async flush(): Promise<void> {
    this.#closeBatch();
    // Asked for in vain, a place in the queue would be waited for until there is a connection again.
    if (!this.#pipeline.isEmpty) this.#core.publishes.want(this.#pipeline);
    await this.#pipeline.settled();
  }

  /** Flushes; nothing can be sent afterwards. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.flush();
    this.#core.drainables.delete(this);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** What Connection.close calls. */
  drain(): Promise<void> {
    return this.close();
  }

  #appendShared(body: T, encoded: EncodedOptions): Promise<Receipt> {
    const bytes = this.#bodies.encode(body);
    if (bytes.length > this.#maxMessageBytes) {
      return Promise.reject(tooLarge(bytes.length, this.#maxMessageBytes));
    }
    const promise = new Promise<Receipt>(takeResolver);
    const resolver = taken;
    if (this.#isFull(bytes)) this.#closeBatch();
    this.#open ??= this.#begin(encoded.attributes, encoded.features);
    this.#open.append(bytes, this.#bodies.isRaw, undefined, resolver);
    return promise;
  }

  /** The open batch, where `body` has room in it; a new one otherwise. */
  #batchFor(body: Uint8Array): OutgoingBatch {
    const open = this.#open;
    if (open !== undefined) {
      if (open.count < this.#maxRecords && open.bytes + body.length < BATCH_BYTES) return open;
      this.#closeBatch();
      this.#core.publishes.want(this.#pipeline);
    }
    this.#open = this.#begin();
    return this.#open;
  }

  /** A message that asks for a feature goes alone, so that it can be refused alone. */
  #ownBatch(features: readonly string[]): OutgoingBatch {
    this.#closeBatch();
    const batch = this.#begin(undefined, features);
    this.#pipeline.push(batch);
    return batch;
  }

  #isFull(body: Uint8Array): boolean {
    const open = this.#open;
    return open !== undefined && (open.count >= this.#maxRecords || open.bytes + body.length >= BATCH_BYTES);
  }

  #begin(shared?: Buffer, features?: readonly string[]): OutgoingBatch {
    const limits = this.#core.link.welcome?.limits;
    if (limits !== undefined) {
      this.#maxMessageBytes = limits.maxMessageBytes;
      this.#maxRecords = Math.min(this.#maxMessages, limits.maxBatchRecords);
    }
    return new OutgoingBatch(this.#pipeline, {
      bind: this.#wire,
      mustMatch: this.#mustMatch,
      shared,
      features,
      initialBytes: this.#initialBytes,
    });
  }

  #closeBatch(): void {
    const batch = this.#open;
    if (batch === undefined) return;
    this.#open = undefined;
    this.#initialBytes = Math.min(
      BATCH_BYTES + INITIAL_BYTES,
      Math.max(INITIAL_BYTES, batch.bytes + (batch.bytes >> 3)),
    );
    this.#pipeline.push(batch);
  }

  #schedule(): void {
    this.#scheduled = true;
    process.nextTick(() => {
      this.#scheduled = false;
      this.#core.publishes.want(this.#pipeline);
    });
  }
}
