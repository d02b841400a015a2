import type {
  BackupPiece,
  DeliveredRun,
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
  StreamRanges,
  StreamSummary,
  StreamsListed,
} from '@simplemq/protocol';
import { GROUP, SCHEDULE, SUMMARY } from './fake-answers.ts';

/** A publish that the engine was given, and that a test settles when it likes. */
export interface HeldPublish {
  readonly request: PublishRequest;
  confirm(): void;
  fail(error: Error): void;
}

/** An engine that stores nothing and does as a test says, for tests of what is before it. */
export class FakeEngine implements Engine {
  features: readonly string[] = [];
  /** Publishes are held until the test settles them. */
  holds = false;
  readonly held: HeldPublish[] = [];
  readonly published: PublishRequest[] = [];
  readonly followers: FakeFollower[] = [];
  /** Management requests and transactions, with what they were given. */
  readonly calls: { readonly what: string; readonly given: readonly unknown[] }[] = [];
  /** The followers of the acks of transactions. */
  readonly acking: EngineFollower[] = [];
  /** What `read` and `deadLetters` find. */
  page: ReadPage = { runs: [], next: 1, more: false };
  /** Thrown by the next request, in place of an answer. */
  nextError: Error | undefined;
  /** Called in `follow`, before its promise is settled. */
  onFollow: (follower: FakeFollower) => void = () => {};
  closeCalls = 0;
  storage: StoreHealth = { isFull: false };
  /** What the next backup has. */
  pieces: BackupPiece[] = [];
  backupsEnded = 0;
  readonly ended: Promise<EngineEnd>;
  #end!: (end: EngineEnd) => void;
  readonly #transactions = new Set<number | undefined>();
  readonly #watchers: { isMet: () => boolean; resolve: () => void }[] = [];

  constructor() {
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  fail(error: Error): void {
    this.#end({ error });
  }

  /** Settles when `isMet` holds after something reached the engine. */
  until(isMet: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#watchers.push({ isMet, resolve });
      this.touched();
    });
  }

  touched(): void {
    for (const watcher of this.#watchers) if (watcher.isMet()) watcher.resolve();
  }

  createStream(name: string, options: StreamOptions): Promise<boolean> {
    return this.#managed('createStream', [name, options], true);
  }

  updateStream(name: string, options: StreamOptions): Promise<void> {
    return this.#managed('updateStream', [name, options], undefined);
  }

  deleteStream(name: string): Promise<void> {
    return this.#managed('deleteStream', [name], undefined);
  }

  purgeStream(request: PurgeStream): Promise<number> {
    return this.#managed('purgeStream', [request], 3);
  }

  listStreams(request: ListStreams): Promise<StreamsListed> {
    return this.#managed('listStreams', [request], { streams: [], more: false });
  }

  streamInfo(name: string): Promise<StreamSummary> {
    return this.#managed('streamInfo', [name], { ...SUMMARY, name });
  }

  read(request: Read): Promise<ReadPage> {
    return this.#managed('read', [request], this.page);
  }

  createGroup(request: CreateGroup): Promise<boolean> {
    return this.#managed('createGroup', [request], true);
  }

  updateGroup(stream: string, group: string, options: GroupOptions): Promise<void> {
    return this.#managed('updateGroup', [stream, group, options], undefined);
  }

  deleteGroup(stream: string, group: string): Promise<void> {
    return this.#managed('deleteGroup', [stream, group], undefined);
  }

  listGroups(stream: string): Promise<readonly GroupInfo[]> {
    return this.#managed('listGroups', [stream], [GROUP]);
  }

  groupInfo(stream: string, group: string): Promise<GroupInfo> {
    return this.#managed('groupInfo', [stream, group], GROUP);
  }

  resetGroup(request: ResetGroup): Promise<void> {
    return this.#managed('resetGroup', [request], undefined);
  }

  pending(request: Pending): Promise<PendingReply> {
    return this.#managed('pending', [request], { entries: [], more: false });
  }

  deadLetters(request: DeadLetterPage): Promise<ReadPage> {
    return this.#managed('deadLetters', [request], this.page);
  }

  redrive(request: DeadLetterPage): Promise<LettersMoved> {
    return this.#managed('redrive', [request], { messages: 2, after: 9, more: true });
  }

  deleteDeadLetters(request: DeadLetterPage): Promise<LettersMoved> {
    return this.#managed('deleteDeadLetters', [request], { messages: 1, after: 9, more: false });
  }

  listDelayed(request: ListDelayed): Promise<DelayedListed> {
    const entry = { id: 41, messages: 2, bytes: 300, deliverAt: 1_767_323_045_678 };
    return this.#managed('listDelayed', [request], { entries: [entry], more: false });
  }

  cancelDelayed(request: CancelDelayed): Promise<number> {
    return this.#managed('cancelDelayed', [request], request.ids.length);
  }

  saveSchedule({ name, stream, cron, timezone, batch }: ScheduleRequest): Promise<ScheduleSummary> {
    const summary = { name, stream, cron, timezone: timezone ?? 'UTC', paused: false };
    return this.#managed('saveSchedule', [batch], summary);
  }

  listSchedules(): Promise<readonly ScheduleSummary[]> {
    return this.#managed('listSchedules', [], [SCHEDULE]);
  }

  pauseSchedule(name: string, paused: boolean): Promise<ScheduleSummary> {
    return this.#managed('pauseSchedule', [name, paused], { ...SCHEDULE, paused });
  }

  deleteSchedule(name: string): Promise<void> {
    return this.#managed('deleteSchedule', [name], undefined);
  }

  /** As of any engine: the receipt of a number that was carried out is given without a look at the acks. */
  async transaction(request: TransactionRequest): Promise<TransactionReceipt> {
    const isRepeated = this.#transactions.has(request.producer?.number);
    if (!isRepeated) for (const { follower } of request.acks) this.acking.push(follower);
    const publishes = request.publishes.map((_, i) => [{ stream: 'orders', first: i + 1 }]);
    this.#transactions.add(request.producer?.number);
    return this.#managed('transaction', [request], { publishes, durability: 'memory' });
  }

  publish(request: PublishRequest): Promise<PublishReceipt> {
    this.published.push(request);
    const first = this.published.length;
    const receipt: PublishReceipt = { streams: [{ stream: 'orders', first }], durability: 'memory' };
    if (!this.holds) {
      this.touched();
      return this.#answer(receipt);
    }
    return new Promise((resolve, reject) => {
      this.held.push({ request, confirm: () => resolve(receipt), fail: reject });
      this.touched();
    });
  }

  async follow(request: FollowRequest, sink: FollowerSink): Promise<EngineFollower> {
    const follower = new FakeFollower(this, this.followers.length + 1, request, sink);
    this.followers.push(follower);
    this.onFollow(follower);
    this.touched();
    return follower;
  }

  beginBackup(options: object): Promise<EngineBackup> {
    const backup: EngineBackup = {
      bytes: 4_096,
      read: () => this.#managed('readBackup', [], this.pieces.shift()!),
      end: async () => {
        this.backupsEnded++;
        this.touched();
      },
    };
    return this.#managed('beginBackup', [options], backup);
  }

  health(): StoreHealth {
    return this.storage;
  }

  async close(): Promise<void> {
    this.closeCalls++;
    for (const { confirm } of this.held.splice(0)) confirm();
    this.#end({});
  }

  #managed<T>(what: string, given: readonly unknown[], answer: T): Promise<T> {
    this.calls.push({ what, given });
    this.touched();
    return this.#answer(answer);
  }

  async #answer<T>(value: T): Promise<T> {
    const error = this.nextError;
    this.nextError = undefined;
    if (error !== undefined) throw error;
    return value;
  }
}

export class FakeFollower implements EngineFollower {
  readonly leaseMs = 30_000;
  readonly id: number;
  readonly request: FollowRequest;
  readonly sink: FollowerSink;
  readonly calls: { what: string; entries?: readonly StreamRanges[]; options?: unknown }[] = [];
  resumes = 0;
  isClosed = false;
  readonly #engine: FakeEngine;

  constructor(engine: FakeEngine, id: number, request: FollowRequest, sink: FollowerSink) {
    this.#engine = engine;
    this.id = id;
    this.request = request;
    this.sink = sink;
  }

  /** Hands the follower a run of one record with a body of `bodyBytes`. */
  deliver(first: number, bodyBytes = 8): boolean {
    const records = Buffer.alloc(5 + bodyBytes);
    records.writeUInt32BE(1 + bodyBytes, 0);
    records[4] = 0x02;
    const run: DeliveredRun = {
      stream: 'orders',
      first,
      count: 1,
      attempt: 1,
      time: 1_700_000_000_000,
      flags: 1,
      shared: Buffer.alloc(0),
      records,
    };
    return this.sink.deliver(run);
  }

  credit(upTo: number, bytesUpTo: number): void {
    this.calls.push({ what: 'credit', options: { upTo, bytesUpTo } });
    this.#engine.touched();
  }

  resume(): void {
    this.resumes++;
    this.#engine.touched();
  }

  ack(entries: readonly StreamRanges[]): Promise<readonly StreamRanges[]> {
    return this.#settle('ack', entries);
  }

  nack(entries: readonly StreamRanges[], options: unknown): Promise<readonly StreamRanges[]> {
    return this.#settle('nack', entries, options);
  }

  extend(entries: readonly StreamRanges[]): Promise<readonly StreamRanges[]> {
    return this.#settle('extend', entries);
  }

  release(entries: readonly StreamRanges[]): Promise<readonly StreamRanges[]> {
    return this.#settle('release', entries);
  }

  reject(entries: readonly StreamRanges[], options: unknown): Promise<readonly StreamRanges[]> {
    return this.#settle('reject', entries, options);
  }

  lose(): void {
    this.close();
  }

  close(): void {
    this.isClosed = true;
    this.#engine.touched();
  }

  async #settle(
    what: string,
    entries: readonly StreamRanges[],
    options?: unknown,
  ): Promise<readonly StreamRanges[]> {
    this.calls.push({ what, entries, options });
    this.#engine.touched();
    return [];
  }
}
