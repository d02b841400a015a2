import type {
  DeliveredRun,
  Engine,
  EngineEnd,
  EngineFollower,
  FollowerSink,
  FollowRequest,
  PublishReceipt,
  PublishRequest,
} from '@simplemq/broker';
import type { StreamRanges, StreamSummary } from '@simplemq/protocol';

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
  /** Thrown by the next management request, in place of an answer. */
  nextError: Error | undefined;
  /** Called in `follow`, before its promise is settled. */
  onFollow: (follower: FakeFollower) => void = () => {};
  closeCalls = 0;
  readonly ended: Promise<EngineEnd>;
  #end!: (end: EngineEnd) => void;
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

  createStream(): Promise<boolean> {
    return this.#answer(true);
  }

  deleteStream(): Promise<void> {
    return this.#answer(undefined);
  }

  purgeStream(): Promise<number> {
    return this.#answer(3);
  }

  listStreams(): Promise<{ streams: StreamSummary[]; more: boolean }> {
    return this.#answer({ streams: [], more: false });
  }

  streamInfo(name: string): Promise<StreamSummary> {
    const zeros = { createdAt: 0, messages: 0, bytes: 0, nextSequence: 1 };
    return this.#answer({ name, storage: 'file', retention: 'work', ...zeros, groups: [] });
  }

  pending(): Promise<{ entries: []; more: boolean }> {
    return this.#answer({ entries: [], more: false });
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

  async close(): Promise<void> {
    this.closeCalls++;
    for (const { confirm } of this.held.splice(0)) confirm();
    this.#end({});
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
