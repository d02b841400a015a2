import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import {
  type ConfirmedStream,
  type DecodedTransaction,
  decodeAck,
  decodeCreateStream,
  decodeCredit,
  decodeDeleteStream,
  decodeExtend,
  decodeFollow,
  decodeHello,
  decodeListStreams,
  decodeNack,
  decodePending,
  decodePublish,
  decodePurgeStream,
  decodeReject,
  decodeRelease,
  decodeStreamInfo,
  decodeTransaction,
  decodeUnfollow,
  encodeBatchHead,
  encodeClosing,
  encodeConfirm,
  encodeDeliverHead,
  encodeError,
  encodeFollowerEnded,
  encodeFollowing,
  encodePendingReply,
  encodeSettled,
  encodeStreamCreated,
  encodeStreamDeleted,
  encodeStreamInfoReply,
  encodeStreamPurged,
  encodeStreamsListed,
  encodeTransacted,
  encodeUnfollowed,
  encodeWelcome,
  FollowerNotFound,
  type Frame,
  FrameDecoder,
  type Hello,
  NoMatchingStream,
  Opcode,
  type Publish,
  type RecordBatch,
  type SimpleMQError,
  StaleAck,
  StreamNotFound,
  type StreamRanges,
  type StreamSummary,
  skipRecords,
  type WelcomeLimits,
  type WireBind,
} from '@simplemq/protocol';
import { FakeManagement } from './fake-broker-management.ts';
import {
  attributesOf,
  deadRecord,
  type Holder,
  type StoredMessage,
  type StoredRecord,
} from './stored-message.ts';

interface FakeFollower extends Holder {
  readonly bind: WireBind;
  readonly peer: FakePeer;
  upTo: number;
  bytesUpTo: number;
  delivered: number;
  deliveredBytes: number;
}

export interface FakeBrokerOptions {
  limits?: Partial<WelcomeLimits>;
  features?: string[];
  heartbeatMs?: number;
  leaseMs?: number;
  port?: number;
}

const LIMITS: WelcomeLimits = {
  maxFrameBytes: 9 * 1024 * 1024,
  maxMessageBytes: 8 * 1024 * 1024,
  maxBatchRecords: 65_536,
  maxUnconfirmedBatches: 1_024,
  producerWindowMs: 120_000,
};

/** A broker of one group in memory, that keeps the protocol's promises and can be told to misbehave. */
export class FakeBroker {
  readonly streams = new Map<string, StoredMessage[]>();
  readonly peers = new Set<FakePeer>();
  /** Every frame that came, but heartbeats. */
  readonly frames: { readonly opcode: number; readonly payload: Buffer; readonly peer: FakePeer }[] = [];
  readonly hellos: Hello[] = [];
  readonly publishes: (Publish & { readonly batch: RecordBatch })[] = [];
  readonly transactions: DecodedTransaction[] = [];
  /** Messages that wait for a time that never comes. */
  delayed: { readonly stream: string; readonly id: number; readonly deliverAt: number }[] = [];
  readonly management: FakeManagement = new FakeManagement(this);
  connections = 0;
  /** Answers HELLO with this error. */
  refuse: SimpleMQError | undefined;
  /** Set to hold confirms back; call release to send them. */
  holdConfirms = false;
  /** Looks at a frame first; true when it was dealt with. What it throws is the answer. */
  intercept: ((frame: Frame, peer: FakePeer) => boolean) | undefined;
  readonly #options: FakeBrokerOptions;
  readonly #server: Server;
  readonly #receipts = new Map<string, Buffer>();
  readonly #held: (() => void)[] = [];
  readonly #messageIds = new Map<string, number>();
  #followerIds = 0;
  #delayedIds = 0;
  readonly followers = new Map<number, FakeFollower>();
  readonly #watchers = new Set<() => void>();

  constructor(options: FakeBrokerOptions) {
    this.#options = options;
    this.#server = createServer((socket) => {
      this.connections++;
      this.peers.add(new FakePeer(this, socket));
      this.#changed();
    });
  }

  static async start(options: FakeBrokerOptions = {}): Promise<FakeBroker> {
    const broker = new FakeBroker(options);
    broker.#server.listen(options.port ?? 0, 'localhost');
    await once(broker.#server, 'listening');
    return broker;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Resolves once `condition` holds; looked at after everything that happens here. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        const watcher = (): void => {
          this.#watchers.delete(watcher);
          resolve();
        };
        this.#watchers.add(watcher);
      });
    }
  }

  /** Cuts every connection. */
  drop(): void {
    for (const peer of this.peers) peer.socket.destroy();
  }

  async close(): Promise<void> {
    this.#server.close();
    this.drop();
    if (this.#server.listening) await once(this.#server, 'close');
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  count(opcode: number): number {
    return this.frames.filter((frame) => frame.opcode === opcode).length;
  }

  releaseConfirms(): void {
    this.holdConfirms = false;
    for (const confirm of this.#held.splice(0)) confirm();
  }

  /** How many messages of a stream are delivered and not settled. */
  pendingOf(stream: string): number {
    return (this.streams.get(stream) ?? []).filter((message) => message.holder !== undefined).length;
  }

  leftOf(stream: string): number {
    return (this.streams.get(stream) ?? []).filter((message) => !message.done).length;
  }

  endFollowers(error: SimpleMQError): void {
    for (const follower of this.followers.values()) {
      follower.peer.send(encodeFollowerEnded({ follower: follower.id, error }));
    }
    this.followers.clear();
  }

  announceClosing(): void {
    for (const peer of this.peers) peer.send(encodeClosing({ reason: 'shutting down' }));
  }

  frame(frame: Frame, peer: FakePeer): void {
    if (frame.opcode !== Opcode.Heartbeat) this.frames.push({ ...frame, peer });
    try {
      if (this.intercept?.(frame, peer) !== true) this.#handle(frame, peer);
    } catch (error) {
      peer.send(encodeError(frame.requestId, error as SimpleMQError));
    }
    this.#changed();
  }

  gone(peer: FakePeer): void {
    this.peers.delete(peer);
    for (const follower of [...this.followers.values()])
      if (follower.peer === peer) this.#endFollower(follower);
    this.#pump();
    this.#changed();
  }

  #changed(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }

  #handle({ opcode, requestId, payload }: Frame, peer: FakePeer): void {
    switch (opcode) {
      case Opcode.Hello: {
        const hello = decodeHello(payload);
        this.hellos.push(hello);
        peer.client = hello.client;
        peer.producer = hello.producer.toString('hex');
        if (this.refuse !== undefined) {
          peer.send(encodeError(requestId, this.refuse));
          peer.socket.end();
          return;
        }
        peer.send(
          encodeWelcome(requestId, {
            version: 1,
            server: 'fake/1',
            heartbeatMs: this.#options.heartbeatMs ?? 10_000,
            limits: { ...LIMITS, ...this.#options.limits },
            features: this.#options.features ?? [],
          }),
        );
        return;
      }
      case Opcode.CreateStream: {
        const { stream } = decodeCreateStream(payload);
        const created = !this.streams.has(stream);
        if (created) this.streams.set(stream, []);
        peer.send(encodeStreamCreated(requestId, { created }));
        return;
      }
      case Opcode.DeleteStream: {
        this.stream(decodeDeleteStream(payload).stream);
        this.streams.delete(decodeDeleteStream(payload).stream);
        peer.send(encodeStreamDeleted(requestId));
        return;
      }
      case Opcode.PurgeStream: {
        const messages = this.stream(decodePurgeStream(payload).stream);
        const left = messages.filter((message) => !message.done);
        for (const message of left) message.done = true;
        peer.send(encodeStreamPurged(requestId, { messages: left.length }));
        return;
      }
      case Opcode.StreamInfo: {
        const { stream } = decodeStreamInfo(payload);
        this.stream(stream);
        peer.send(encodeStreamInfoReply(requestId, this.#summary(stream)));
        return;
      }
      case Opcode.ListStreams: {
        // A page of two, so that paging is seen.
        const { after, bind } = decodeListStreams(payload);
        const names = (bind === undefined ? [...this.streams.keys()] : this.#matching(bind))
          .sort()
          .filter((name) => after === undefined || name > after);
        const streams = names.slice(0, 2).map((name) => this.#summary(name));
        peer.send(encodeStreamsListed(requestId, { streams, more: names.length > 2 }));
        return;
      }
      case Opcode.Pending: {
        const { stream, after = 0 } = decodePending(payload);
        const entries = this.stream(stream)
          .filter(({ holder, sequence }) => holder !== undefined && sequence > after)
          .map(({ sequence, attempt, holder }) => ({
            first: sequence,
            last: sequence,
            attempt,
            idleMs: 0,
            follower: holder!.id,
            client: holder!.peer.client,
          }));
        peer.send(encodePendingReply(requestId, { entries: entries.slice(0, 2), more: entries.length > 2 }));
        return;
      }
      case Opcode.Publish:
        this.#publish(requestId, decodePublish(payload), peer);
        return;
      case Opcode.Transaction:
        this.#transaction(requestId, decodeTransaction(payload), peer);
        return;
      case Opcode.Follow: {
        const { bind, upTo, bytesUpTo } = decodeFollow(payload);
        if ('stream' in bind) this.stream(bind.stream);
        const id = ++this.#followerIds;
        this.followers.set(id, { id, bind, peer, upTo, bytesUpTo, delivered: 0, deliveredBytes: 0 });
        peer.send(encodeFollowing(requestId, { follower: id, leaseMs: this.#options.leaseMs ?? 30_000 }));
        this.#pump();
        return;
      }
      case Opcode.Credit: {
        const { follower, upTo, bytesUpTo } = decodeCredit(payload);
        const known = this.followers.get(follower);
        if (known !== undefined) Object.assign(known, { upTo, bytesUpTo });
        this.#pump();
        return;
      }
      case Opcode.Unfollow: {
        const { follower } = decodeUnfollow(payload);
        const known = this.followers.get(follower);
        if (known === undefined) throw new FollowerNotFound(`no follower ${follower}`);
        this.#endFollower(known);
        peer.send(encodeUnfollowed(requestId));
        this.#pump();
        return;
      }
      case Opcode.Ack:
        this.#settle(peer, Opcode.Acked, requestId, decodeAck(payload), (message) => {
          message.done = true;
          message.holder = undefined;
        });
        return;
      case Opcode.Nack:
        this.#settle(peer, Opcode.Nacked, requestId, decodeNack(payload), (message) => {
          message.holder = undefined;
          message.attempt++;
        });
        return;
      case Opcode.Reject: {
        const request = decodeReject(payload);
        this.#settle(peer, Opcode.Rejected, requestId, request, (message, stream) => {
          message.done = true;
          message.holder = undefined;
          this.#bury(stream, message, request.reason ?? '');
        });
        return;
      }
      case Opcode.Extend:
        this.#settle(peer, Opcode.Extended, requestId, decodeExtend(payload), () => undefined);
        return;
      case Opcode.Release:
        this.#settle(peer, Opcode.Released, requestId, decodeRelease(payload), (message) => {
          message.holder = undefined;
        });
        return;
      default: {
        const answer = this.management.answer(opcode, requestId, payload);
        if (answer !== undefined) peer.send(answer);
        this.#pump();
      }
    }
  }

  #publish(requestId: number, publish: Publish & { readonly batch: RecordBatch }, peer: FakePeer): void {
    this.publishes.push(publish);
    const key = `${peer.producer} ${publish.number}`;
    const confirm =
      this.#receipts.get(key) ?? encodeConfirm(0, { streams: this.#place(publish), durability: 'memory' });
    this.#confirm(key, confirm, requestId, peer);
  }

  #confirm(key: string, confirm: Buffer, requestId: number, peer: FakePeer): void {
    this.#receipts.set(key, confirm);
    const send = (): void => {
      const frame = Buffer.from(confirm);
      frame.writeUInt32BE(requestId, 5);
      peer.send(frame);
    };
    if (this.holdConfirms) this.#held.push(send);
    else send();
    this.#pump();
  }

  /** All of it, or an error and nothing. */
  #transaction(requestId: number, transaction: DecodedTransaction, peer: FakePeer): void {
    this.transactions.push(transaction);
    const key = `${peer.producer} ${transaction.number}`;
    const known = this.#receipts.get(key);
    if (known !== undefined) {
      this.#confirm(key, known, requestId, peer);
      return;
    }
    const acked = transaction.acks.flatMap(({ follower, entries }) => this.#heldBy(follower, entries));
    for (const { bind } of transaction.publishes) if ('stream' in bind) this.stream(bind.stream);
    const publishes = transaction.publishes.map((publish) => this.#place(publish));
    for (const message of acked) {
      message.done = true;
      message.holder = undefined;
    }
    this.#confirm(key, encodeTransacted(0, { publishes, durability: 'memory' }), requestId, peer);
  }

  /** The messages of the ranges. @throws StaleAck when the follower does not hold them all in that attempt */
  #heldBy(id: number, entries: readonly StreamRanges[]): StoredMessage[] {
    const follower = this.followers.get(id);
    const messages: StoredMessage[] = [];
    for (const { stream, ranges } of entries) {
      for (const { first, last, attempt } of ranges) {
        for (let sequence = first; sequence <= last; sequence++) {
          const message = this.streams.get(stream)?.[sequence - 1];
          const holds = follower !== undefined && message?.holder === follower;
          if (!holds || message.attempt !== attempt || message.done) {
            throw new StaleAck(`${stream} ${sequence} came too late`);
          }
          messages.push(message);
        }
      }
    }
    return messages;
  }

  #place({
    bind,
    mustMatch,
    batch,
  }: Omit<Publish, 'number' | 'settled'> & { batch: RecordBatch }): ConfirmedStream[] {
    if ('stream' in bind) this.stream(bind.stream);
    const names = this.#matching(bind);
    if (names.length === 0 && mustMatch) throw new NoMatchingStream('nothing matches');
    return names.map((stream) => this.#append(stream, batch));
  }

  #append(stream: string, batch: RecordBatch): ConfirmedStream {
    const first = this.streams.get(stream)!.length + 1;
    const duplicates: number[] = [];
    const delayed: number[] = [];
    for (let i = 0, offset = 0; i < batch.count; i++) {
      const end = skipRecords(batch.records, offset, 1);
      const record = Buffer.from(batch.records.subarray(offset, end));
      const { flags } = batch;
      const shared = Buffer.from(batch.shared);
      const { messageId, delayMs, deliverAt } = attributesOf({ record, shared });
      const idKey = `${stream} ${messageId}`;
      offset = end;
      if (messageId !== undefined && this.#messageIds.has(idKey)) {
        duplicates.push(i, this.#messageIds.get(idKey)!);
      } else if (delayMs !== undefined || deliverAt !== undefined) {
        const id = ++this.#delayedIds;
        delayed.push(i, id);
        this.delayed.push({ stream, id, deliverAt: deliverAt ?? Date.now() + delayMs! });
        if (messageId !== undefined) this.#messageIds.set(idKey, 0);
      } else {
        const { sequence } = this.add(stream, { record, flags, shared });
        if (messageId !== undefined) this.#messageIds.set(idKey, sequence);
      }
    }
    return {
      stream,
      first,
      ...(duplicates.length > 0 && { duplicates }),
      ...(delayed.length > 0 && { delayed }),
    };
  }

  /** Puts a record into a stream. */
  add(stream: string, { record, flags, shared }: StoredRecord): StoredMessage {
    const messages = this.stream(stream);
    const message = {
      sequence: messages.length + 1,
      record,
      flags,
      shared,
      attempt: 1,
      holder: undefined,
      done: false,
    };
    messages.push(message);
    return message;
  }

  /** Puts a message into the dead letters of its stream. */
  #bury(stream: string, message: StoredMessage, error: string): void {
    const name = `$dead.${stream}`;
    if (!this.streams.has(name)) this.streams.set(name, []);
    this.add(name, deadRecord(stream, message, error));
  }

  #settle(
    peer: FakePeer,
    opcode: Opcode,
    requestId: number,
    { follower, entries }: { follower: number; entries: readonly StreamRanges[] },
    change: (message: StoredMessage, stream: string) => void,
  ): void {
    const known = this.followers.get(follower);
    const stale: StreamRanges[] = [];
    for (const { stream, ranges } of entries) {
      for (const { first, last, attempt } of ranges) {
        for (let sequence = first; sequence <= last; sequence++) {
          const message = this.streams.get(stream)?.[sequence - 1];
          if (
            message !== undefined &&
            message.holder === known &&
            message.attempt === attempt &&
            !message.done
          ) {
            change(message, stream);
          } else {
            stale.push({ stream, ranges: [{ first: sequence, last: sequence, attempt }] });
          }
        }
      }
    }
    peer.send(encodeSettled(opcode, requestId, { stale }));
    this.#pump();
  }

  /** Hands out what is ready, one message of a run at a time to each follower in turn. */
  #pump(): void {
    for (let moved = true; moved; ) {
      moved = false;
      for (const follower of this.followers.values()) {
        if (follower.delivered >= follower.upTo || follower.deliveredBytes >= follower.bytesUpTo) continue;
        for (const stream of this.#matching(follower.bind)) {
          const run = this.#nextRun(stream, follower.upTo - follower.delivered);
          if (run.length === 0) continue;
          this.#deliver(follower, stream, run);
          moved = true;
          break;
        }
      }
    }
  }

  #nextRun(stream: string, limit: number): StoredMessage[] {
    const run: StoredMessage[] = [];
    const messages = this.streams.get(stream)!;
    const start = messages.findIndex(({ done, holder }) => !done && holder === undefined);
    for (const message of start < 0 ? [] : messages.slice(start, start + limit)) {
      const head = run[0];
      if (message.done || message.holder !== undefined) break;
      if (head !== undefined && (head.attempt !== message.attempt || !head.shared.equals(message.shared)))
        break;
      if (head !== undefined && head.flags !== message.flags) break;
      run.push(message);
    }
    return run;
  }

  #deliver(follower: FakeFollower, stream: string, run: StoredMessage[]): void {
    const head = run[0]!;
    for (const message of run) message.holder = follower;
    const records = Buffer.concat(run.map(({ record }) => record));
    follower.delivered += run.length;
    follower.deliveredBytes += records.length;
    const batch = Buffer.concat([encodeBatchHead(run.length, head.flags, head.shared, records), records]);
    const { sequence: first, attempt } = head;
    const deliver = { follower: follower.id, stream, first, attempt, time: Date.now() };
    follower.peer.send(encodeDeliverHead(deliver, batch.length), batch);
  }

  #endFollower(follower: FakeFollower): void {
    this.followers.delete(follower.id);
    for (const messages of this.streams.values()) {
      for (const message of messages) {
        if (message.holder !== follower) continue;
        message.holder = undefined;
        message.attempt++;
      }
    }
  }

  #matching(bind: WireBind): string[] {
    const names = [...this.streams.keys()];
    if ('stream' in bind) return names.filter((name) => name === bind.stream);
    return names.filter((name) => new RegExp(bind.pattern).test(name));
  }

  stream(name: string): StoredMessage[] {
    const messages = this.streams.get(name);
    if (messages === undefined) throw new StreamNotFound(`there is no stream '${name}'`);
    return messages;
  }

  #summary(name: string): StreamSummary {
    return {
      name,
      storage: 'memory',
      retention: 'work',
      createdAt: 0,
      messages: this.leftOf(name),
      bytes: 0,
      firstSequence: 1,
      nextSequence: this.stream(name).length + 1,
      delayed: 0,
      maxAgeMs: 0,
      maxBytes: 0,
      maxMessages: 0,
      overflow: 'reject',
      dedupWindowMs: 0,
      expireAfterMs: 0,
      groups: [],
    };
  }
}

export class FakePeer {
  readonly socket: Socket;
  client = '';
  producer = '';

  constructor(broker: FakeBroker, socket: Socket) {
    this.socket = socket.setNoDelay(true);
    const decoder = new FrameDecoder({ frameBytesMax: 64 * 1024 * 1024 });
    socket.on('data', (chunk) =>
      decoder.push(chunk, (frame) => {
        broker.frame(frame, this);
        return true;
      }),
    );
    socket.on('error', () => undefined);
    socket.on('close', () => broker.gone(this));
  }

  send(...pieces: Uint8Array[]): void {
    if (this.socket.destroyed) return;
    for (const piece of pieces) this.socket.write(piece);
  }
}
