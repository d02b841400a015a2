import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { StreamRanges } from '@simplemq/protocol';
import type { Engine } from '../../src/engine/engine.ts';
import { type EngineOptions, openEngine } from '../../src/engine/open-engine.ts';
import { RecordingFollower, spelledOut } from '../recording-follower.ts';
import { EngineModel, expectedInfo, type ModelFollower } from './engine-model.ts';

/** How long an engine that has something to do may do nothing. */
const STALLED_MS = 5_000;

export interface WorldOptions {
  /** Absent for an engine without a disk. */
  readonly folder?: string;
  readonly cacheBytesMax: number;
}

/** A real engine and the model of it, side by side. */
export class World {
  readonly model: EngineModel = new EngineModel();
  readonly followers: Map<number, RecordingFollower> = new Map();
  readonly survives: boolean;
  engine!: Engine;
  #options: EngineOptions;
  #folders = 0;
  #nextKey = 1;
  #asked: Promise<unknown>[] = [];
  #violations: Error[] = [];
  #onDelivery: () => void = () => {};

  private constructor({ folder, cacheBytesMax }: WorldOptions) {
    this.survives = folder !== undefined;
    const storage = folder === undefined ? ('memory' as const) : { path: join(folder, '0') };
    this.#options = { storage, cacheBytesMax };
  }

  static async open(options: WorldOptions): Promise<World> {
    const world = new World(options);
    world.engine = await openEngine(world.#options);
    return world;
  }

  /** Notes a request that is under way; what its answer must be is checked when it comes. */
  ask(request: Promise<unknown>): void {
    request.catch(() => {});
    this.#asked.push(request);
  }

  askForStale(request: Promise<readonly StreamRanges[]>, expected: readonly StreamRanges[]): void {
    this.ask(
      request.then((stale) => {
        const got = spelledOut(stale).sort().join(' ');
        const wanted = spelledOut(expected).sort().join(' ');
        if (got !== wanted) throw new Error(`stale are '${got}', and should be '${wanted}'`);
      }),
    );
  }

  async follow(bind: ModelFollower['bind'], credit: number, stutters: boolean): Promise<number> {
    const key = this.#nextKey++;
    const follower = new RecordingFollower();
    const model: ModelFollower = { key, bind, streams: new Set(), former: [], upTo: credit, delivered: 0 };
    follower.onRun = (deliveries) => {
      const { stream, sequence, attempt } = deliveries[0]!;
      const bodies = deliveries.map(({ body }) => body);
      this.#check(() => this.model.deliver(key, stream, sequence, attempt, bodies));
      if (stutters) setImmediate(() => follower.engineFollower.resume());
      this.#onDelivery();
    };
    follower.takes = !stutters;
    await follower.start(this.engine, bind, { credit });
    this.followers.set(key, follower);
    this.model.followers.set(key, model);
    for (const { name } of this.model.streams.values()) {
      if ('stream' in bind ? bind.stream === name : new RegExp(bind.pattern).test(name))
        this.model.join(model, name);
    }
    return key;
  }

  leave(key: number): void {
    this.model.leave(key);
    this.followers.get(key)!.close();
    this.followers.delete(key);
  }

  /** Waits, on answers and deliveries, until the engine has nothing more to do, and compares all that it tells. */
  async settle(): Promise<void> {
    const asked = this.#asked;
    this.#asked = [];
    await notStalled('a request', Promise.all(asked));
    this.#throwViolation();
    while (!this.model.isQuiet) {
      await notStalled('a delivery', new Promise<void>((resolve) => (this.#onDelivery = resolve)));
      this.#throwViolation();
    }
    // What it does now that it should not, it does in these turns.
    for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
    this.#throwViolation();
    await this.#compare();
  }

  async restart(): Promise<void> {
    await this.settle();
    // Closing hands back what each follower has, as when it leaves.
    this.model.restart(this.survives);
    await this.engine.close();
    await this.#reopen();
  }

  /** As after a crash: an engine on a copy of the files, which the old one did not close. */
  async crash(): Promise<void> {
    await this.settle();
    const { storage } = this.#options;
    if (storage === 'memory') return;
    await this.#flush();
    const path = join(storage.path, '..', String(++this.#folders));
    mkdirSync(path);
    // The log is copied last: what a checkpoint takes from it meanwhile is in both.
    for (const file of ['simplemq.db', 'simplemq.db-wal']) {
      if (existsSync(join(storage.path, file))) copyFileSync(join(storage.path, file), join(path, file));
    }
    this.model.restart(true);
    await this.engine.close();
    this.#options = { ...this.#options, storage: { path } };
    await this.#reopen();
  }

  /** Nobody follows any more, and one that comes now gets exactly what is left, once. */
  async drain(): Promise<void> {
    await this.settle();
    for (const key of [...this.followers.keys()]) this.leave(key);
    const left = [...this.model.streams.values()].flatMap(({ name, messages }) =>
      messages.filter(({ state }) => state !== 'gone').map(({ sequence }) => `${name}/${sequence}`),
    );
    const key = await this.follow({ pattern: '' }, left.length + 10, false);
    const follower = this.followers.get(key)!;
    await notStalled('the last of the messages', follower.until(left.length));
    this.#throwViolation();
    const got = follower.deliveries.map(({ stream, sequence }) => `${stream}/${sequence}`);
    if (got.sort().join() !== left.sort().join()) throw new Error(`drained ${got}, and ${left} were left`);
    for (const { message } of this.model.held(key)) message.state = 'gone';
    const stale = await follower.ack(...follower.deliveries);
    if (stale.length > 0) throw new Error(`stale: ${spelledOut(stale)}`);
    await this.settle();
  }

  async #reopen(): Promise<void> {
    this.followers.clear();
    this.engine = await openEngine(this.#options);
    await this.settle();
  }

  /** A request that is answered when everything before it is stored. */
  async #flush(): Promise<void> {
    for (const name of this.model.streams.keys()) await this.engine.createStream(name, {});
  }

  async #compare(): Promise<void> {
    for (const stream of this.model.streams.values()) {
      const info = await this.engine.streamInfo(stream.name);
      const { messages, nextSequence, groups } = info;
      const told = {
        messages,
        nextSequence,
        groups: groups.map(({ lag, pending, redelivered, ackFloor }) => {
          return { lag, pending, redelivered, ackFloor };
        }),
      };
      same(`streamInfo of ${stream.name}`, told, expectedInfo(stream));
      if (messages === 0 && info.bytes !== 0) throw new Error(`${stream.name} has ${info.bytes} bytes`);
      await this.#comparePending(stream.name);
    }
    const { streams } = await this.engine.listStreams({});
    same('streams', streams.map(({ name }) => name).sort(), [...this.model.streams.keys()].sort());
  }

  async #comparePending(name: string): Promise<void> {
    const { entries } = await this.engine.pending({ stream: name });
    const told = entries.flatMap(({ first, last, attempt, follower }) =>
      Array.from({ length: last - first + 1 }, (_, index) => `${first + index}@${attempt}:${follower}`),
    );
    const expected = this.model.streams
      .get(name)!
      .messages.filter(({ state }) => state === 'held' || state === 'waiting')
      .map(({ sequence, attempt, holder }) => {
        return `${sequence}@${attempt}:${holder && this.followers.get(holder)!.id}`;
      });
    same(`pending of ${name}`, told, expected);
  }

  #check(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#violations.push(error as Error);
    }
  }

  #throwViolation(): void {
    if (this.#violations[0] !== undefined) throw this.#violations[0];
  }
}

function same(what: string, got: unknown, expected: unknown): void {
  const [a, b] = [JSON.stringify(got), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${what}: ${a}, and should be ${b}`);
}

async function notStalled<T>(what: string, promise: Promise<T>): Promise<T> {
  const { promise: stalled, reject } = Promise.withResolvers<never>();
  const watchdog = setTimeout(
    () => reject(new Error(`the engine stalled: ${what} did not come`)),
    STALLED_MS,
  );
  try {
    return await Promise.race([promise, stalled]);
  } finally {
    clearTimeout(watchdog);
  }
}
