import {
  BATCH_RECORDS_MAX,
  ConnectionLost,
  MESSAGE_BYTES_MAX,
  RECORD_HEADER_BYTES,
  type SimpleMQError,
} from '@simplemq/protocol';
import type { Bind } from '../bind.ts';
import { msgpack } from '../codec/msgpack.ts';
import type { Connection } from '../connection/connection.ts';
import { type ConnectionCore, coreOf } from '../connection/core.ts';
import { invalid, wholeNumber } from '../connection/options.ts';
import { SendGate } from '../schema/send-gate.ts';
import { type BodyWriter, bodyWriter } from './body-writer.ts';
import { featureBits } from './features.ts';
import { BATCH_BYTES } from './open-batches.ts';
import { batchBytesMax, type OutgoingBatch, type ReceiptResolver, tooLarge } from './outgoing-batch.ts';
import { Pipeline } from './pipeline.ts';
import type { PublisherOptions } from './publisher-options.ts';
import type { Receipt } from './receipt.ts';
import { type EncodedOptions, encodeSendOptions, NO_OPTIONS, type SendOptions } from './send-options.ts';

const IN_FLIGHT_MESSAGES = 65_536;
const IN_FLIGHT_BYTES: number = 64 * 1024 * 1024;

/** Set by the executor below, so that no closure is made for each message. */
let taken: ReceiptResolver;
const takeResolver = (resolve: ReceiptResolver): void => {
  taken = resolve;
};

/**
 * Writes messages to the streams of a bind. Messages of one turn travel as one batch (for each priority, and delayed
 * ones apart); those of one priority keep the order of the calls, on every stream, over reconnects too.
 */
export class Publisher<T = unknown> {
  readonly bind: Bind;
  readonly #core: ConnectionCore;
  readonly #bodies: BodyWriter;
  readonly #gate: SendGate | undefined;
  readonly #maxMessages: number;
  readonly #pipeline: Pipeline;
  #maxMessageBytes = MESSAGE_BYTES_MAX;
  #maxRecords: number;
  /** A batch that has so many bytes with the next message is sent without it. */
  #batchBytes = BATCH_BYTES;
  /** What the broker is known to be able to do, as bits. */
  #known = 0;
  #scheduled = false;
  #closed = false;

  constructor(connection: Connection, bind: Bind, options: PublisherOptions<T> = {}) {
    this.bind = bind;
    this.#core = coreOf(connection);
    this.#bodies = bodyWriter(options.codec ?? msgpack);
    if (options.schema !== undefined) this.#gate = new SendGate(options.schema, () => this.#leaveIfIdle());
    const { messages = IN_FLIGHT_MESSAGES, bytes = IN_FLIGHT_BYTES } = options.maxInFlight ?? {};
    this.#maxMessages = wholeNumber('maxInFlight.messages', messages, 1, Number.MAX_SAFE_INTEGER);
    this.#maxRecords = Math.min(this.#maxMessages, BATCH_RECORDS_MAX);
    this.#pipeline = new Pipeline({
      publishes: this.#core.publishes,
      memory: this.#core.memory,
      onBusy: () => this.#core.drainables.add(this),
      onIdle: () => this.#leaveIfIdle(),
      bind: bind.wire,
      mustMatch: options.mustMatch ?? false,
      maxMessages: this.#maxMessages,
      maxBytes: wholeNumber('maxInFlight.bytes', bytes, 1, Number.MAX_SAFE_INTEGER),
    });
  }

  /**
   * Publishes a message. The body is copied before this returns, unless an asynchronous `schema` has to look at it or
   * at one before it. Past `maxInFlight` the message waits for its place, and so does the promise.
   *
   * @returns when the broker has it as durably as the receipt says
   * @throws StreamNotFound, NoMatchingStream, MessageTooLarge, StreamFull, StorageFull, Unsupported, ConnectionLost …
   */
  sendMessage(body: T, options?: SendOptions): Promise<Receipt> {
    if (this.#closed || this.#core.isClosing) return Promise.reject(this.#closedError());
    if (this.#gate === undefined) return this.#send(body, options);
    return this.#pass(this.#gate, [body], () => this.#send(body, options));
  }

  /**
   * Publishes messages in the order of `bodies`; the options are those of each. They travel as one batch, or as
   * several where one would be too large. When it rejects, it is with the first error; the others may be stored.
   *
   * @throws as sendMessage; InvalidOption for a messageId, which each message needs its own of
   */
  sendMessages(bodies: Iterable<T>, options: SendOptions = {}): Promise<Receipt[]> {
    if (this.#closed || this.#core.isClosing) return Promise.reject(this.#closedError());
    if (this.#gate === undefined) return this.#sendAll(bodies, options);
    const all = [...bodies];
    return this.#pass(this.#gate, all, () => this.#sendAll(all, options));
  }

  /** Resolves when everything sent so far was confirmed or rejected; each promise tells which. */
  async flush(): Promise<void> {
    await this.#gate?.settled();
    this.#pipeline.closeAll();
    await this.#pipeline.settled();
  }

  /** Flushes; nothing can be sent afterwards. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.flush();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** What Connection.close calls. */
  drain(): Promise<void> {
    return this.close();
  }

  #pass<R>(gate: SendGate, bodies: readonly T[], send: () => Promise<R>): Promise<R> {
    const sent = gate.pass(bodies, send);
    if (gate.isBusy) this.#core.drainables.add(this);
    return sent;
  }

  /** Its connection drains it, and keeps it, only while there is something to drain. */
  #leaveIfIdle(): void {
    if (!this.#pipeline.isBusy && this.#gate?.isBusy !== true) this.#core.drainables.delete(this);
  }

  #send(body: T, options: SendOptions | undefined): Promise<Receipt> {
    let bytes: Uint8Array;
    let encoded: EncodedOptions;
    try {
      // A codec may send messages of its own, so the options, which share one buffer, come after it.
      bytes = this.#encode(body);
      encoded = options === undefined ? NO_OPTIONS : encodeSendOptions(options);
    } catch (error) {
      return Promise.reject(error);
    }
    const { lane, features, attributes } = encoded;
    const size = attributes === undefined ? bytes.length : bytes.length + attributes.length;
    const batch = this.#roomFor(lane, features, size) ?? this.#begin(lane, features, size);
    const promise = new Promise<Receipt>(takeResolver);
    batch.append(bytes, this.#bodies.isRaw, attributes, taken);
    if (!this.#scheduled) this.#schedule();
    return promise;
  }

  #sendAll(bodies: Iterable<T>, options: SendOptions): Promise<Receipt[]> {
    const promises: Promise<Receipt>[] = [];
    try {
      if (options.messageId !== undefined) {
        throw invalid('messageId', 'each message needs one of its own: send them one by one');
      }
      const { attributes, features, lane } = encodeSendOptions(options);
      const shared = attributes && Buffer.from(attributes);
      this.#closeLane(lane);
      for (const body of bodies) promises.push(this.#appendShared(body, lane, features, shared));
      this.#closeLane(lane);
    } catch (error) {
      this.#pipeline.closeAll();
      promises.push(Promise.reject(error));
    }
    if (!this.#scheduled) this.#schedule();
    return Promise.all(promises);
  }

  #appendShared(body: T, lane: number, features: number, shared: Buffer | undefined): Promise<Receipt> {
    let bytes: Uint8Array;
    try {
      bytes = this.#encode(body);
    } catch (error) {
      return Promise.reject(error);
    }
    const promise = new Promise<Receipt>(takeResolver);
    const resolver = taken;
    const batch =
      this.#roomFor(lane, features, bytes.length) ?? this.#begin(lane, features, bytes.length, shared);
    batch.append(bytes, this.#bodies.isRaw, undefined, resolver);
    return promise;
  }

  #encode(body: T): Uint8Array {
    const bytes = this.#bodies.encode(body);
    if (bytes.length > this.#maxMessageBytes) throw tooLarge(bytes.length, this.#maxMessageBytes);
    return bytes;
  }

  /** The lane's open batch, where a message of `size` bytes has room in it; one that has none is closed. */
  #roomFor(lane: number, features: number, size: number): OutgoingBatch | undefined {
    const open = this.#pipeline.open.of(lane);
    if (open === undefined) return undefined;
    if (
      open.count < this.#maxRecords &&
      open.bytes + size < this.#batchBytes &&
      this.#mayJoin(open, features)
    ) {
      open.features |= features;
      return open;
    }
    this.#pipeline.close(open);
    this.#pipeline.want();
    return undefined;
  }

  /** What may be refused for a feature that the broker lacks must be refused without the others. */
  #mayJoin(open: OutgoingBatch, features: number): boolean {
    return open.features === features || ((open.features | features) & ~this.#known) === 0;
  }

  #begin(lane: number, features: number, bytes: number, shared?: Buffer): OutgoingBatch {
    const welcome = this.#core.link.welcome;
    if (welcome !== undefined) {
      this.#maxMessageBytes = welcome.limits.maxMessageBytes;
      this.#maxRecords = Math.min(this.#maxMessages, welcome.limits.maxBatchRecords);
      this.#batchBytes = Math.min(BATCH_BYTES, batchBytesMax(welcome.limits) - RECORD_HEADER_BYTES);
      this.#known = featureBits(welcome.features);
    }
    return this.#pipeline.begin(lane, features, bytes, shared);
  }

  #closeLane(lane: number): void {
    const open = this.#pipeline.open.of(lane);
    if (open !== undefined) this.#pipeline.close(open);
  }

  #schedule(): void {
    this.#scheduled = true;
    process.nextTick(() => {
      this.#scheduled = false;
      this.#pipeline.want();
    });
  }

  #closedError(): SimpleMQError {
    return new ConnectionLost(`the ${this.#closed ? 'publisher' : 'connection'} was closed`);
  }
}
