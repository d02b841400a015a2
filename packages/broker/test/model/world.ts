import { join } from 'node:path';
import type { StreamRanges } from '@simplemq/protocol';
import { copyDataFolder } from '@simplemq/testkit';
import type { Engine } from '../../src/engine/engine.ts';
import { type EngineOptions, openEngine } from '../../src/engine/open-engine.ts';
import { RecordingFollower, rangesOf, spelledOut } from '../recording-follower.ts';
import { EngineModel, type ModelFollower, matches } from './engine-model.ts';
import { expectedFloor, expectedInfo, expectedLetters, expectedPending, expectedRead } from './expected.ts';
import { GROUPS } from './kinds.ts';
import { settleForGood } from './model-stream.ts';
import { toldFloor, toldInfo, toldLetters, toldPending, toldRead } from './told.ts';

/** How long an engine that has something to do may do nothing. */
const STALLED_MS = 5_000;

export interface WorldOptions {
  /** Absent for an engine without a disk. */
  readonly folder?: string;
  readonly cacheBytesMax: number;
}

/** A real engine and the model of it, side by side. */
export class World {
  readonly model: EngineModel = new EngineModel((group) => GROUPS[group]!);
  readonly followers: Map<number, RecordingFollower> = new Map();
  readonly survives: boolean;
  engine!: Engine;
  #options: EngineOptions;
  #folders = 0;
  #nextKey = 1;
  #asked: Promise<unknown>[] = [];
  #violations: Error[] = [];
  #onProgress: () => void = () => {};
  /** Messages that went to the dead letters, as the engine told. */
  #buried = 0;

  private constructor({ folder, cacheBytesMax }: WorldOptions) {
    this.survives = folder !== undefined;
    const storage = folder === undefined ? ('memory' as const) : { path: join(folder, '0') };
    const onEvent: EngineOptions['onEvent'] = (event) => {
      if (event.type !== 'deadLettered') return;
      this.#buried += event.messages;
      this.#onProgress();
    };
    this.#options = { storage, cacheBytesMax, onEvent };
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
    const wanted = spelledOut(expected).sort();
    this.ask(request.then((stale) => same('stale', spelledOut(stale).sort(), wanted)));
  }

  /** Follows as a member of the group, on every stream of the bind. */
  async follow(
    bind: ModelFollower['bind'],
    group: string,
    credit: number,
    stutters: boolean,
  ): Promise<number> {
    const key = this.#nextKey++;
    const model: ModelFollower = {
      key,
      bind,
      group,
      streams: new Set(),
      former: [],
      everFormer: new Set(),
      upTo: credit,
      delivered: 0,
    };
    const follower = new RecordingFollower();
    follower.takes = !stutters;
    follower.onRun = (deliveries) => {
      for (const delivery of deliveries) this.#check(() => this.model.deliver(key, delivery));
      if (stutters) setImmediate(() => follower.engineFollower.resume());
      this.#onProgress();
    };
    await follower.start(this.engine, bind, { group, options: GROUPS[group]!, credit });
    this.followers.set(key, follower);
    this.model.followers.set(key, model);
    for (const stream of this.model.streams.values())
      if (matches(bind, stream.name)) this.model.join(model, stream);
    return key;
  }

  /** @param isLost whether its client is gone, rather than done with it */
  leave(key: number, isLost: boolean): void {
    this.model.leave(key, isLost);
    const { engineFollower } = this.followers.get(key)!;
    if (isLost) engineFollower.lose();
    else engineFollower.close();
    this.followers.delete(key);
  }

  /** Waits, on answers and deliveries, until the engine has nothing more to do, and compares all that it tells. */
  async settle(): Promise<void> {
    await this.#quiet();
    await this.#compare();
  }

  /** As settle, and until nothing is to come later either. */
  async rest(): Promise<void> {
    for (;;) {
      await this.settle();
      const { nextDueAt } = this.model;
      if (nextDueAt === undefined) return;
      await until(nextDueAt);
    }
  }

  /** Waits until what was delayed is in its streams. */
  async entered(): Promise<void> {
    const isLeft = async (name: string) => (await this.engine.streamInfo(name)).delayed > 0;
    const wait = async (): Promise<void> => {
      for (const name of this.model.streams.keys()) {
        while (await isLeft(name)) await new Promise((resolve) => setTimeout(resolve, 1));
      }
    };
    await notStalled('a delayed message', wait());
    await this.#flush();
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
    copyDataFolder(storage.path, path);
    this.model.restart(true);
    await this.#abandon();
    this.#options = { ...this.#options, storage: { path } };
    await this.#reopen();
  }

  /** Those that follow now leave, and whoever comes gets exactly what is left for each group. */
  async drain(): Promise<void> {
    await this.rest();
    for (const key of [...this.followers.keys()]) this.leave(key, false);
    for (const group of Object.keys(GROUPS))
      await this.follow({ pattern: '' }, group, Number.MAX_SAFE_INTEGER, false);
    for (let left = this.#left(); left.length > 0; left = this.#left()) {
      // What becomes due from here on is got at the latest after the next look.
      const { nextDueAt } = this.model;
      await this.#quiet();
      const held = [...this.followers.keys()].map((key) => this.#ackAll(key));
      if (held.some((count) => count > 0) || left.length !== this.#left().length) continue;
      if (nextDueAt === undefined) throw new Error(`nobody gets ${left}`);
      await until(nextDueAt);
    }
    await this.settle();
  }

  #left(): string[] {
    return this.model.groups.flatMap(({ name, entries }) =>
      entries
        .filter(({ state }) => state !== 'done')
        .map(({ message, state }) => `${name}/${message.sequence} ${state}`),
    );
  }

  /** @returns how many it held */
  #ackAll(key: number): number {
    const held = this.model.held(key).map(({ stream, entry }) => {
      return { stream: stream.name, sequence: entry.message.sequence, attempt: entry.attempt };
    });
    const entries = rangesOf(held);
    for (const { stream, ranges } of entries) {
      for (const range of ranges)
        this.model.settle(key, { stream, ...range }, true, ({ entry }) => settleForGood(entry));
    }
    if (held.length > 0) this.askForStale(this.followers.get(key)!.engineFollower.ack(entries), []);
    return held.length;
  }

  /** What the old engine still does is its own affair. */
  async #abandon(): Promise<void> {
    const { engine } = this;
    const buried = this.#buried;
    await engine.close();
    this.#buried = buried;
  }

  async #reopen(): Promise<void> {
    this.followers.clear();
    if (!this.survives) this.#buried = this.model.lettersMade;
    this.engine = await openEngine(this.#options);
    await this.settle();
  }

  /** A request that is answered when everything before it is stored. */
  async #flush(): Promise<void> {
    for (const { name, retention } of this.model.streams.values())
      await this.engine.createStream(name, { retention });
  }

  async #quiet(): Promise<void> {
    const asked = this.#asked;
    this.#asked = [];
    await notStalled('a request', Promise.all(asked));
    this.#throwViolation();
    while (!this.model.isQuiet || this.#buried < this.model.lettersMade) {
      await notStalled('a delivery', new Promise<void>((resolve) => (this.#onProgress = resolve)));
      this.#throwViolation();
    }
    this.model.buried();
    // What it does now that it should not, it does in these turns.
    for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
    this.#throwViolation();
  }

  async #compare(): Promise<void> {
    const { engine, model } = this;
    for (const stream of model.streams.values()) {
      const { name } = stream;
      same(`streamInfo of ${name}`, await toldInfo(engine, name), expectedInfo(stream));
      same(`read of ${name}`, await toldRead(engine, name), expectedRead(stream));
      same(`dead letters of ${name}`, await toldLetters(engine, name), expectedLetters(stream));
      for (const group of stream.groups.values()) {
        // Where another lane has the messages after a lane's last, the floor may be told short of them.
        const floors = [await toldFloor(engine, name, group.name), expectedFloor(stream, group)] as const;
        const isShort =
          floors[0] < floors[1] && new Set(stream.messages.map(({ priority }) => priority)).size > 1;
        if (!isShort) same(`the ack floor of ${name} in ${group.name}`, ...floors);
        const told = await toldPending(engine, name, group.name, (id) => this.#keyOf(id));
        same(`pending of ${name} in ${group.name}`, told, expectedPending(group));
      }
    }
    const { streams } = await engine.listStreams({});
    same('streams', streams.map(({ name }) => name).sort(), [...model.streams.keys()].sort());
  }

  #keyOf(id: number): number | undefined {
    for (const [key, follower] of this.followers) if (follower.id === id) return key;
    return undefined;
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

/** Sleeps until a time of the monotonic clock has passed. */
function until(time: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, time - performance.now() + 1));
}
