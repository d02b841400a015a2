import {
  checkName,
  checkNewName,
  InvalidOption,
  type ListStreams,
  NoMatchingStream,
  type Pending,
  type PendingReply,
  ServerClosing,
  type SimpleMQError,
  StorageFailed,
  StorageFull,
  StreamNotFound,
  type StreamOptions,
  type StreamSummary,
  type StreamsListed,
  TooManyStreams,
  Unsupported,
  type WireBind,
} from '@simplemq/protocol';
import { Committer } from '../commit/committer.ts';
import { Producers } from '../commit/producers.ts';
import type { Group, RedeliveryCause } from '../group/group.ts';
import { pendingReply } from '../group/pending-reply.ts';
import { Pattern } from '../routing/pattern.ts';
import type { Store } from '../store/store.ts';
import type { Stream } from '../stream/stream.ts';
import { checkSameSettings, streamSettings } from '../stream/stream-settings.ts';
import { EmbeddedFollower } from './embedded-follower.ts';
import type {
  Durability,
  Engine,
  EngineEnd,
  EngineFollower,
  FollowerSink,
  FollowRequest,
  PublishReceipt,
  PublishRequest,
} from './engine.ts';
import type { EngineEvent } from './events.ts';
import { StreamRegistry } from './stream-registry.ts';

/** The group of followers that name none. */
export const DEFAULT_GROUP = 'workers';
export const LEASE_MS_DEFAULT = 30_000;
const LEASE_MS_MIN = 100;
const LEASE_MS_MAX = 24 * 60 * 60 * 1000;
const LIST_LIMIT_MAX = 1_000;
const PRODUCER_CHECK_MS = 60_000;

export interface EmbeddedEngineOptions {
  readonly store: Store;
  readonly cacheBytesMax: number;
  readonly streamsMax: number;
  readonly producerWindowMs: number;
  readonly onEvent: (event: EngineEvent) => void;
}

/** The engine inside one process, over a store. */
export class EmbeddedEngine implements Engine {
  readonly features: readonly string[] = [];
  readonly ended: Promise<EngineEnd>;
  readonly #options: EmbeddedEngineOptions;
  readonly #store: Store;
  readonly #registry: StreamRegistry;
  readonly #producers: Producers;
  readonly #committer: Committer;
  readonly #followers = new Set<EmbeddedFollower>();
  readonly #producerTimer: NodeJS.Timeout;
  readonly #end: (end: EngineEnd) => void;
  #nextFollowerId = 1;
  #stopped: SimpleMQError | undefined;
  #closing: Promise<void> | undefined;

  /** Opens the engine on what the store holds. */
  static async open(options: EmbeddedEngineOptions): Promise<EmbeddedEngine> {
    return new EmbeddedEngine(options, await options.store.load());
  }

  private constructor(options: EmbeddedEngineOptions, snapshot: Awaited<ReturnType<Store['load']>>) {
    this.#options = options;
    this.#store = options.store;
    const { promise, resolve } = Promise.withResolvers<EngineEnd>();
    this.ended = promise;
    this.#end = resolve;
    this.#producers = new Producers(options.producerWindowMs, snapshot.producers);
    this.#committer = new Committer(options.store, this.#producers, {
      committed: (streams) => this.#dispatch(streams),
      notCreated: (stream) => this.#registry.remove(stream),
      failed: (error) => this.#fail(error),
    });
    this.#registry = new StreamRegistry({
      store: options.store,
      cacheBytesMax: options.cacheBytesMax,
      snapshot,
      groupEvents: {
        changed: (group, urgent) => this.#committer.changed(group, urgent),
        done: (group, messages) => {
          (group.stream as Stream).messages -= messages;
        },
        redelivered: (group, messages, cause) => this.#tellRedelivered(group, messages, cause),
        failed: (error) => this.#fail(error),
      },
    });
    this.#producerTimer = setInterval(() => this.#expireProducers(), PRODUCER_CHECK_MS).unref();
  }

  async createStream(name: string, options: StreamOptions): Promise<boolean> {
    this.#checkRunning();
    checkNewName('stream', name);
    const settings = streamSettings(options, this.#store.durability === 'memory' ? 'memory' : 'file');
    const existing = this.#registry.get(name);
    if (existing !== undefined) {
      checkSameSettings(existing, settings);
      // Another's creation of it may still be under way.
      await this.#committer.settled();
      return false;
    }
    if (this.#registry.size >= this.#options.streamsMax) {
      throw new TooManyStreams(
        `there are ${this.#registry.size} streams, as many as limits.maxStreams allows; delete some or raise it`,
      );
    }
    const stream = this.#registry.create(name, settings);
    this.#committer.open.createdStreams.push(stream);
    for (const follower of this.#followers) if (follower.pattern?.matches(name)) this.#join(follower, stream);
    await this.#settledUnlessDropped(stream);
    this.#options.onEvent({ type: 'streamCreated', stream: name });
    return true;
  }

  async deleteStream(name: string): Promise<void> {
    const stream = this.#stream(name);
    this.#registry.remove(stream);
    const gone = new StreamNotFound(`the stream '${name}' was deleted`, { details: { stream: name } });
    for (const follower of this.#followers) {
      if (follower.isOnly(name)) follower.end(gone);
      else follower.drop(name);
    }
    this.#committer.open.deletedStreams.push(stream);
    await this.#committer.settled();
    this.#options.onEvent({ type: 'streamDeleted', stream: name });
  }

  async purgeStream(name: string): Promise<number> {
    const stream = this.#stream(name);
    // What was published before this call is to go too: it has to be durable first.
    await this.#committer.settled();
    const { messages } = stream;
    this.#committer.open.purged.set(stream, stream.durableNext);
    stream.messages = 0;
    // The group of a stream that nobody has followed yet would begin with what is gone.
    this.#registry.group(stream, DEFAULT_GROUP);
    for (const group of stream.groups.values()) {
      group.ledger.purge(stream.durableNext);
      this.#committer.changed(group, true);
    }
    await this.#committer.settled();
    this.#options.onEvent({ type: 'streamPurged', stream: name, messages });
    return messages;
  }

  async listStreams({ bind, after = '', limit = LIST_LIMIT_MAX }: ListStreams): Promise<StreamsListed> {
    this.#checkRunning();
    const matching = bind === undefined ? this.#registry.listed() : this.#match(bind);
    const names = [...matching].map((stream) => stream.name).filter((name) => name > after);
    names.sort();
    const page = names.slice(0, Math.min(limit, LIST_LIMIT_MAX));
    return { streams: page.map((name) => this.#stream(name).summary()), more: names.length > page.length };
  }

  async streamInfo(name: string): Promise<StreamSummary> {
    return this.#stream(name).summary();
  }

  async pending(request: Pending): Promise<PendingReply> {
    const stream = this.#stream(request.stream);
    checkGroup(request.group);
    return pendingReply(stream.groups.get(DEFAULT_GROUP), request);
  }

  // Not async: the sequence numbers are given out in the order of the calls, and no promise is made in between.
  publish(request: PublishRequest): Promise<PublishReceipt> {
    try {
      return this.#publish(request);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #publish({ bind, batch, mustMatch = false, producer }: PublishRequest): Promise<PublishReceipt> {
    this.#checkRunning();
    const repeated = producer === undefined ? undefined : this.#producers.receiptOf(producer);
    if (repeated !== undefined) return repeated;
    const streams = this.#match(bind);
    if (mustMatch && streams.length === 0) throw noMatch(bind);
    const { open } = this.#committer;
    const time = Date.now();
    let durability: Durability = this.#store.durability;
    const placed = streams.map((stream) => {
      if (!stream.isDurable) durability = 'memory';
      return { stream: stream.name, first: open.append(stream, batch, time) };
    });
    const receipt: PublishReceipt = { streams: placed, durability };
    const { promise, resolve, reject } = Promise.withResolvers<PublishReceipt>();
    open.publishes.push({
      receipt,
      resolve: () => resolve(receipt),
      reject: (error) => {
        if (producer !== undefined) this.#producers.forget(producer);
        reject(error);
      },
    });
    if (producer !== undefined) this.#producers.remember(producer, receipt, promise);
    this.#committer.schedule();
    return promise;
  }

  async follow(request: FollowRequest, sink: FollowerSink): Promise<EngineFollower> {
    this.#checkRunning();
    checkGroup(request.group);
    const { bind, leaseMs = LEASE_MS_DEFAULT } = request;
    if (leaseMs < LEASE_MS_MIN || leaseMs > LEASE_MS_MAX) {
      throw new InvalidOption(`leaseMs is ${leaseMs}; it must be ${LEASE_MS_MIN} to ${LEASE_MS_MAX}`, {
        details: { option: 'leaseMs' },
      });
    }
    const streams = this.#match(bind);
    const follower = new EmbeddedFollower({
      id: this.#nextFollowerId++,
      client: request.client,
      leaseMs,
      ...('pattern' in bind ? { pattern: new Pattern(bind.pattern) } : {}),
      sink,
      durable: () => this.#committer.settled(),
      onClosed: (closed) => this.#followers.delete(closed),
    });
    this.#followers.add(follower);
    for (const stream of streams) this.#join(follower, stream);
    // Deliveries begin in a later turn, when the caller has the follower's id.
    setImmediate(() => follower.start(request.upTo, request.bytesUpTo));
    return follower;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#stopped === undefined) {
      this.#stopped = new ServerClosing('the broker is shutting down');
      this.#endFollowers(this.#stopped);
      await this.#committer.drain();
    }
    this.#stop();
    await this.#store.close();
    this.#end({});
  }

  #stop(): void {
    clearInterval(this.#producerTimer);
    this.#registry.close();
  }

  /** The first fault of the store is the last: nothing is confirmed any more. */
  #fail(cause: unknown): void {
    if (this.#stopped?.code === 'StorageFailed') return;
    const error = cause instanceof Error ? cause : new Error(String(cause));
    this.#stopped = new StorageFailed(`the storage failed, and this broker has stopped: ${error.message}`, {
      cause,
    });
    this.#endFollowers(this.#stopped);
    this.#stop();
    this.#options.onEvent({ type: 'failed', error });
    this.#end({ error: this.#stopped });
  }

  #endFollowers(reason: SimpleMQError): void {
    for (const follower of this.#followers) follower.halt();
    for (const follower of [...this.#followers]) follower.end(reason);
  }

  #checkRunning(): void {
    if (this.#stopped !== undefined) throw this.#stopped;
  }

  #stream(name: string): Stream {
    this.#checkRunning();
    checkName('stream', name);
    const stream = this.#registry.get(name);
    if (stream === undefined) throw notFound(name);
    return stream;
  }

  #match(bind: WireBind): readonly Stream[] {
    return 'stream' in bind ? [this.#stream(bind.stream)] : [...this.#registry.router.matches(bind.pattern)];
  }

  #join(follower: EmbeddedFollower, stream: Stream): void {
    const group = this.#registry.group(stream, DEFAULT_GROUP);
    follower.join(group);
    // A follower without credit yet is told once it has some.
    follower.waitFor(group);
  }

  #dispatch(streams: ReadonlySet<Stream>): void {
    for (const { groups } of streams) for (const group of groups.values()) group.dispatch();
  }

  async #settledUnlessDropped(stream: Stream): Promise<void> {
    await this.#committer.settled();
    if (!stream.isDeleted) return;
    throw new StorageFull(`there is no room in the storage for the stream '${stream.name}'`);
  }

  #expireProducers(): void {
    if (this.#producers.expire(Date.now())) this.#committer.schedule();
  }

  #tellRedelivered(group: Group, messages: number, cause: RedeliveryCause): void {
    const { name: stream } = group.stream;
    this.#options.onEvent({ type: 'redelivered', stream, group: group.name, messages, cause });
  }
}

function checkGroup(group: string | undefined): void {
  if (group === undefined || group === DEFAULT_GROUP) return;
  checkName('group', group);
  throw new Unsupported(
    `this broker has no named groups: it has '${DEFAULT_GROUP}', and '${group}' was asked for`,
    {
      details: { feature: 'groups' },
    },
  );
}

function notFound(name: string): SimpleMQError {
  return new StreamNotFound(`there is no stream '${name}'; create it first (cursor.createStream)`, {
    details: { stream: name },
  });
}

function noMatch(bind: WireBind): SimpleMQError {
  const shown = 'pattern' in bind ? bind.pattern : bind.stream;
  return new NoMatchingStream(`no stream matches ${JSON.stringify(shown)}, and one must (mustMatch)`, {
    details: { pattern: shown },
  });
}
