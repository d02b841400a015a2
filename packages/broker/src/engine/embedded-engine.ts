import {
  type ListStreams,
  NoMatchingStream,
  type Pending,
  type PendingReply,
  ServerClosing,
  type SimpleMQError,
  StorageFailed,
  StorageFull,
  type StreamOptions,
  type StreamSummary,
  type StreamsListed,
  type WireBind,
} from '@simplemq/protocol';
import { Committer } from '../commit/committer.ts';
import { Producers } from '../commit/producers.ts';
import type { Group, RedeliveryCause } from '../group/group.ts';
import type { Store } from '../store/store.ts';
import type { Stream } from '../stream/stream.ts';
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
import { FollowerSet } from './follower-set.ts';
import { checkGroup, StreamAdministration } from './stream-administration.ts';
import { StreamRegistry } from './stream-registry.ts';

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
  readonly #followers: FollowerSet;
  readonly #administration: StreamAdministration;
  readonly #producerTimer: NodeJS.Timeout;
  readonly #end: (end: EngineEnd) => void;
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
      notCreated: (stream) => {
        this.#registry.remove(stream);
        const reason = new StorageFull(`there was no room in the storage for the stream '${stream.name}'`);
        this.#followers.streamDeleted(stream.name, reason);
      },
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
    this.#followers = new FollowerSet(this.#registry, () => this.#committer.settled());
    this.#administration = new StreamAdministration({
      registry: this.#registry,
      committer: this.#committer,
      followers: this.#followers,
      defaultStorage: this.#store.durability === 'memory' ? 'memory' : 'file',
      streamsMax: options.streamsMax,
      onEvent: options.onEvent,
    });
    this.#producerTimer = setInterval(() => this.#expireProducers(), PRODUCER_CHECK_MS).unref();
  }

  async createStream(name: string, options: StreamOptions): Promise<boolean> {
    this.#checkRunning();
    return this.#administration.create(name, options);
  }

  async deleteStream(name: string): Promise<void> {
    this.#checkRunning();
    return this.#administration.delete(name);
  }

  async purgeStream(name: string): Promise<number> {
    this.#checkRunning();
    return this.#administration.purge(name);
  }

  async listStreams(request: ListStreams): Promise<StreamsListed> {
    this.#checkRunning();
    return this.#administration.list(request);
  }

  async streamInfo(name: string): Promise<StreamSummary> {
    this.#checkRunning();
    return this.#administration.info(name);
  }

  async pending(request: Pending): Promise<PendingReply> {
    this.#checkRunning();
    return this.#administration.pending(request);
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
    const streams = this.#registry.match(bind);
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
    return this.#followers.open(request, sink);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#stopped === undefined) {
      this.#stopped = new ServerClosing('the broker is shutting down');
      this.#followers.endAll(this.#stopped);
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
    this.#followers.endAll(this.#stopped);
    this.#stop();
    this.#options.onEvent({ type: 'failed', error });
    this.#end({ error: this.#stopped });
  }

  #checkRunning(): void {
    if (this.#stopped !== undefined) throw this.#stopped;
  }

  #dispatch(streams: ReadonlySet<Stream>): void {
    for (const { groups } of streams) for (const group of groups.values()) group.dispatch();
  }

  #expireProducers(): void {
    if (this.#producers.expire(Date.now())) this.#committer.schedule();
  }

  #tellRedelivered(group: Group, messages: number, cause: RedeliveryCause): void {
    const { name: stream } = group.stream;
    this.#options.onEvent({ type: 'redelivered', stream, group: group.name, messages, cause });
  }
}

function noMatch(bind: WireBind): SimpleMQError {
  const shown = 'pattern' in bind ? bind.pattern : bind.stream;
  return new NoMatchingStream(`no stream matches ${JSON.stringify(shown)}, and one must (mustMatch)`, {
    details: { pattern: shown },
  });
}
