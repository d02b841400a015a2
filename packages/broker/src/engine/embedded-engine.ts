import {
  type CancelDelayed,
  type CreateGroup,
  type DeadLetterPage,
  type DelayedListed,
  ENGINE_FEATURES,
  type GroupInfo,
  type GroupOptions,
  type LettersMoved,
  type ListDelayed,
  type ListStreams,
  type Pending,
  type PendingReply,
  type PurgeStream,
  type Read,
  type ResetGroup,
  type ScheduleSummary,
  ServerClosing,
  type SimpleMQError,
  StorageFailed,
  StreamNotFound,
  type StreamOptions,
  type StreamSummary,
  type StreamsListed,
} from '@simplemq/protocol';
import { deadStreamOf } from '../dead-letters/letter.ts';
import type { Store, StoreHealth } from '../store/store.ts';
import type { Stream } from '../stream/stream.ts';
import { Backups } from './backups.ts';
import type {
  BackupOptions,
  Engine,
  EngineBackup,
  EngineEnd,
  EngineFollower,
  FollowerSink,
  FollowRequest,
  PublishReceipt,
  PublishRequest,
  ReadPage,
  ScheduleRequest,
  StreamFilter,
  TransactionReceipt,
  TransactionRequest,
} from './engine.ts';
import type { EngineEvent } from './events.ts';
import { type EngineParts, makeParts } from './parts.ts';
import { readStream } from './reading.ts';

export interface EmbeddedEngineOptions {
  readonly store: Store;
  readonly cacheBytesMax: number;
  readonly streamsMax: number;
  readonly producerWindowMs: number;
  readonly dedupIdsMax: number;
  readonly onEvent: (event: EngineEvent) => void;
}

/** The engine inside one process, over a store: the Engine interface, over the parts that do the work. */
export class EmbeddedEngine implements Engine {
  readonly features: readonly string[];
  readonly ended: Promise<EngineEnd>;
  readonly #options: EmbeddedEngineOptions;
  readonly #parts: EngineParts;
  readonly #backups: Backups;
  readonly #end: (end: EngineEnd) => void;
  #stopped: SimpleMQError | undefined;
  #closing: Promise<void> | undefined;

  /** Opens the engine on what the store holds. */
  static async open(options: EmbeddedEngineOptions): Promise<EmbeddedEngine> {
    return new EmbeddedEngine(options, await options.store.load());
  }

  private constructor(options: EmbeddedEngineOptions, snapshot: Awaited<ReturnType<Store['load']>>) {
    this.#options = options;
    const { backups } = options.store;
    this.#backups = new Backups(backups);
    this.features = ENGINE_FEATURES.filter((feature) => feature !== 'backup' || backups !== undefined);
    const { promise, resolve } = Promise.withResolvers<EngineEnd>();
    this.ended = promise;
    this.#end = resolve;
    const { tornEnd } = snapshot;
    if (tornEnd !== undefined) options.onEvent({ type: 'journalTorn', ...tornEnd });
    this.#parts = makeParts(options, snapshot, (error) => this.#fail(error));
    options.store.onDamaged = (damage) => this.#parts.damaged.take(damage);
  }

  async createStream(name: string, options: StreamOptions): Promise<boolean> {
    return this.#running.streams.create(name, options);
  }

  async updateStream(name: string, options: StreamOptions): Promise<void> {
    return this.#running.streams.update(name, options);
  }

  async deleteStream(name: string): Promise<void> {
    return this.#running.streams.delete(name);
  }

  async purgeStream(request: PurgeStream): Promise<number> {
    return this.#running.streams.purge(request);
  }

  async listStreams(request: ListStreams, visible?: StreamFilter): Promise<StreamsListed> {
    return this.#running.streams.list(request, visible);
  }

  async streamInfo(name: string): Promise<StreamSummary> {
    const { registry, retention, streams } = this.#running;
    await retention.settled(registry.find(name));
    return streams.info(name);
  }

  async read(request: Read): Promise<ReadPage> {
    const { registry, retention } = this.#running;
    const stream = registry.find(request.stream);
    await retention.settled(stream);
    return readStream(this.#options.store, stream, request);
  }

  async createGroup(request: CreateGroup): Promise<boolean> {
    return this.#running.groups.create(request);
  }

  async updateGroup(stream: string, group: string, options: GroupOptions): Promise<void> {
    return this.#running.groups.update(stream, group, options);
  }

  async deleteGroup(stream: string, group: string): Promise<void> {
    return this.#running.groups.delete(stream, group);
  }

  async listGroups(stream: string): Promise<readonly GroupInfo[]> {
    return this.#running.groups.list(stream);
  }

  async groupInfo(stream: string, group: string): Promise<GroupInfo> {
    return this.#running.groups.info(stream, group);
  }

  async resetGroup(request: ResetGroup): Promise<void> {
    return this.#running.groups.reset(request);
  }

  async pending(request: Pending): Promise<PendingReply> {
    return this.#running.groups.pending(request);
  }

  async deadLetters(page: DeadLetterPage): Promise<ReadPage> {
    const { letters, burials } = this.#running;
    await burials.whenIdle();
    return letters.list(this.#deadOf(page.stream).dead, page);
  }

  async redrive(page: DeadLetterPage): Promise<LettersMoved> {
    const { letters, burials } = this.#running;
    await burials.whenIdle();
    const { stream, dead } = this.#deadOf(page.stream);
    return letters.redrive(stream, dead, page);
  }

  async deleteDeadLetters(page: DeadLetterPage): Promise<LettersMoved> {
    const { letters, burials } = this.#running;
    await burials.whenIdle();
    return letters.delete(this.#deadOf(page.stream).dead, page);
  }

  async listDelayed(request: ListDelayed): Promise<DelayedListed> {
    const { delays, registry } = this.#running;
    return delays.list(request, registry.find(request.stream));
  }

  async cancelDelayed(request: CancelDelayed): Promise<number> {
    const { delays, registry } = this.#running;
    return delays.cancel(request, registry.find(request.stream));
  }

  async saveSchedule(request: ScheduleRequest, visible?: StreamFilter): Promise<ScheduleSummary> {
    const { schedules, registry } = this.#running;
    registry.find(request.stream);
    return schedules.save(request, visible);
  }

  async listSchedules(visible?: StreamFilter): Promise<readonly ScheduleSummary[]> {
    return this.#running.schedules.list(visible);
  }

  async pauseSchedule(name: string, paused: boolean, visible?: StreamFilter): Promise<ScheduleSummary> {
    return this.#running.schedules.pause(name, paused, visible);
  }

  async deleteSchedule(name: string, visible?: StreamFilter): Promise<void> {
    return this.#running.schedules.delete(name, visible);
  }

  // Not async: the sequence numbers are given out in the order of the calls, and no promise is made in between.
  publish(request: PublishRequest): Promise<PublishReceipt> {
    try {
      return this.#running.transactions.publish(request);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  transaction(request: TransactionRequest): Promise<TransactionReceipt> {
    try {
      return this.#running.transactions.run(request);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async follow(request: FollowRequest, sink: FollowerSink): Promise<EngineFollower> {
    const follower = await this.#running.followers.open(request, sink);
    // It may have stopped meanwhile.
    if (this.#stopped !== undefined) follower.end(this.#stopped);
    return follower;
  }

  async beginBackup(options: BackupOptions): Promise<EngineBackup> {
    if (this.#stopped !== undefined) throw this.#stopped;
    return this.#backups.begin(options);
  }

  health(): StoreHealth {
    return this.#options.store.health();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { followers, committer } = this.#parts;
    if (this.#stopped === undefined) {
      this.#stopped = new ServerClosing('the broker is shutting down');
      followers.endAll(this.#stopped);
      await committer.drain();
    }
    this.#parts.stop();
    committer.close(this.#stopped);
    this.#backups.close();
    try {
      await this.#options.store.close();
    } finally {
      this.#end({});
    }
  }

  /** The first fault of the store is the last: nothing is confirmed any more. */
  #fail(cause: unknown): void {
    if (this.#stopped?.code === 'StorageFailed') return;
    const { code } = (cause ?? {}) as { code?: string };
    // What goes on after the last commit of an orderly stop is refused, and what there is no room for is tried again.
    if (code === 'StorageFull' || (this.#stopped !== undefined && code === this.#stopped.code)) return;
    const error = cause instanceof Error ? cause : new Error(String(cause));
    this.#stopped = new StorageFailed(`the storage failed, and this broker has stopped: ${error.message}`, {
      cause,
    });
    this.#parts.followers.endAll(this.#stopped);
    this.#parts.stop();
    this.#parts.committer.close(this.#stopped);
    this.#options.onEvent({ type: 'failed', error });
    this.#end({ error: this.#stopped });
  }

  /** The parts, while the engine runs. */
  get #running(): EngineParts {
    if (this.#stopped !== undefined) throw this.#stopped;
    return this.#parts;
  }

  /** A stream and its dead letters; the name may be that of either. */
  #deadOf(name: string): { stream: Stream; dead: Stream | undefined } {
    const { registry } = this.#running;
    if (name.startsWith('$dead.') && registry.get(name) !== undefined) {
      throw new StreamNotFound(
        `'${name}' is a dead-letter stream; ask for the dead letters of '${name.slice('$dead.'.length)}'`,
        { details: { stream: name } },
      );
    }
    return { stream: registry.find(name), dead: registry.get(deadStreamOf(name)) };
  }
}
