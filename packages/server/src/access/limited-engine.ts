import type {
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
  StoreHealth,
  StreamFilter,
  TransactionReceipt,
  TransactionRequest,
} from '@simplemq/broker';
import type {
  CancelDelayed,
  CreateGroup,
  DeadLetterPage,
  DelayedListed,
  GroupInfo,
  GroupOptions,
  LettersMoved,
  ListDelayed,
  ListStreams,
  Pending,
  PendingReply,
  PurgeStream,
  Read,
  ResetGroup,
  ScheduleSummary,
  StreamOptions,
  StreamSummary,
  StreamsListed,
  WireBind,
} from '@simplemq/protocol';

/** Says no: throws Forbidden. */
type Refuse = (stream: string | undefined) => never;

/**
 * An engine in which only some streams are there. Who names another is refused, whether it exists or not, and at once; a
 * pattern does not match it and a list does not show it.
 *
 * Invariant: each method that the Engine interface has, or will have, checks the streams that it is about: it is one of
 * those below, or this does not compile.
 */
export class LimitedEngine implements Engine {
  readonly #engine: Engine;
  readonly #allowed: StreamFilter;
  readonly #refuse: Refuse;

  constructor(engine: Engine, allowed: StreamFilter, refuse: Refuse) {
    this.#engine = engine;
    this.#allowed = allowed;
    this.#refuse = refuse;
  }

  get features(): readonly string[] {
    return this.#engine.features;
  }

  get ended(): Promise<EngineEnd> {
    return this.#engine.ended;
  }

  /** A copy has all streams: who may have one is given it from another engine than this. */
  beginBackup(): Promise<EngineBackup> {
    return this.#refuse(undefined);
  }

  health(): StoreHealth {
    return this.#engine.health();
  }

  createStream(name: string, options: StreamOptions): Promise<boolean> {
    return this.#on(name).createStream(name, options);
  }

  updateStream(name: string, options: StreamOptions): Promise<void> {
    return this.#on(name).updateStream(name, options);
  }

  deleteStream(name: string): Promise<void> {
    return this.#on(name).deleteStream(name);
  }

  purgeStream(request: PurgeStream): Promise<number> {
    return this.#on(request.stream).purgeStream(request);
  }

  listStreams(request: ListStreams): Promise<StreamsListed> {
    this.#checkBind(request.bind);
    return this.#engine.listStreams(request, this.#allowed);
  }

  streamInfo(name: string): Promise<StreamSummary> {
    return this.#on(name).streamInfo(name);
  }

  read(request: Read): Promise<ReadPage> {
    return this.#on(request.stream).read(request);
  }

  createGroup(request: CreateGroup): Promise<boolean> {
    return this.#on(request.stream).createGroup(request);
  }

  updateGroup(stream: string, group: string, options: GroupOptions): Promise<void> {
    return this.#on(stream).updateGroup(stream, group, options);
  }

  deleteGroup(stream: string, group: string): Promise<void> {
    return this.#on(stream).deleteGroup(stream, group);
  }

  listGroups(stream: string): Promise<readonly GroupInfo[]> {
    return this.#on(stream).listGroups(stream);
  }

  groupInfo(stream: string, group: string): Promise<GroupInfo> {
    return this.#on(stream).groupInfo(stream, group);
  }

  resetGroup(request: ResetGroup): Promise<void> {
    return this.#on(request.stream).resetGroup(request);
  }

  pending(request: Pending): Promise<PendingReply> {
    return this.#on(request.stream).pending(request);
  }

  deadLetters(request: DeadLetterPage): Promise<ReadPage> {
    return this.#on(request.stream).deadLetters(request);
  }

  redrive(request: DeadLetterPage): Promise<LettersMoved> {
    return this.#on(request.stream).redrive(request);
  }

  deleteDeadLetters(request: DeadLetterPage): Promise<LettersMoved> {
    return this.#on(request.stream).deleteDeadLetters(request);
  }

  listDelayed(request: ListDelayed): Promise<DelayedListed> {
    return this.#on(request.stream).listDelayed(request);
  }

  cancelDelayed(request: CancelDelayed): Promise<number> {
    return this.#on(request.stream).cancelDelayed(request);
  }

  saveSchedule(request: ScheduleRequest): Promise<ScheduleSummary> {
    return this.#on(request.stream).saveSchedule(request, this.#allowed);
  }

  listSchedules(): Promise<readonly ScheduleSummary[]> {
    return this.#engine.listSchedules(this.#allowed);
  }

  pauseSchedule(name: string, paused: boolean): Promise<ScheduleSummary> {
    return this.#engine.pauseSchedule(name, paused, this.#allowed);
  }

  deleteSchedule(name: string): Promise<void> {
    return this.#engine.deleteSchedule(name, this.#allowed);
  }

  publish(request: PublishRequest): Promise<PublishReceipt> {
    return this.#engine.publish(this.#limited(request));
  }

  transaction(request: TransactionRequest): Promise<TransactionReceipt> {
    const publishes = request.publishes.map((publish) => this.#limited(publish));
    return this.#engine.transaction({ ...request, publishes });
  }

  follow(request: FollowRequest, sink: FollowerSink): Promise<EngineFollower> {
    return this.#engine.follow(this.#limited(request), sink);
  }

  /** Not for a user to do. */
  close(): Promise<void> {
    return this.#refuse(undefined);
  }

  /** The engine, for a request about this stream. */
  #on(stream: string): Engine {
    if (!this.#allowed(stream)) this.#refuse(stream);
    return this.#engine;
  }

  /** A direct bind, which most are, costs one look-up; what it is part of goes on as it is. */
  #limited<T extends { readonly bind: WireBind }>(request: T): T {
    if ('pattern' in request.bind) return { ...request, visible: this.#allowed };
    this.#checkBind(request.bind);
    return request;
  }

  #checkBind(bind: WireBind | undefined): void {
    if (bind !== undefined && 'stream' in bind && !this.#allowed(bind.stream)) this.#refuse(bind.stream);
  }
}
