import { join } from 'node:path';
import type { Engine } from '../../packages/broker/src/engine/engine.ts';
import { openEngine } from '../../packages/broker/src/engine/open-engine.ts';
import { RecordingFollower } from '../../packages/broker/test/recording-follower.ts';
import { GroupBook } from './group-book.ts';
import { Journal } from './journal.ts';
import type { Member } from './member.ts';
import type { Progress } from './progress.ts';
import type { Publication } from './publication.ts';
import { Publisher } from './publisher.ts';
import { cacheBytes, groupSettings, type Settings, streamOptions } from './settings.ts';
import { StreamBook } from './stream-book.ts';

/** The stream with all the features, and the one that transactions publish to. */
export const MAIN = 'main';
export const OUT = 'out';
const PUBLISHERS = 3;
/** How long what must happen may take. */
export const STALLED_MS = 15_000;

/** What is to be done when a request is answered. */
export interface Answers<T> {
  answered(value: T): Promise<void> | void;
  /** @returns whether it may be refused so; absent: it may not be refused */
  refused?(error: { code?: string }): Promise<boolean> | boolean;
  /** The broker crashed before it answered. */
  crashed?(): void;
}

/** A transaction whose answer a crash has hidden: all of it happened, or nothing. */
export interface HiddenTransaction {
  readonly acks: readonly Progress[];
  /** On the other stream, where nothing that is not acked goes. */
  readonly publications: readonly Publication[];
}

/** A broker, the followers and publishers that use it, and the books of what must be. */
export class World {
  readonly settings: Settings;
  readonly journal: Journal = new Journal();
  readonly streams: Map<string, StreamBook> = new Map();
  readonly publishers: readonly Publisher[];
  /** Of the crash that was last. */
  hidden: HiddenTransaction[] = [];
  hiddenPublishes: (readonly Publication[])[] = [];
  engine!: Engine;
  folder: string;
  /** Whether a request may be left unanswered. */
  isClosing = false;
  /** Goes up with each engine. */
  #epoch = 0;
  #violation: Error | undefined;
  #nextBody = 1;
  readonly #asked = new Set<{ readonly answer: Promise<void>; readonly crashed: () => void }>();

  private constructor(settings: Settings, folder: string) {
    this.settings = settings;
    this.folder = folder;
    this.publishers = Array.from({ length: PUBLISHERS }, (_, index) => new Publisher(index));
  }

  /** @param folder an empty one, for the data */
  static async open(settings: Settings, folder: string): Promise<World> {
    const world = new World(settings, join(folder, '0'));
    await world.openEngine();
    return world;
  }

  get main(): StreamBook {
    return this.streams.get(MAIN)!;
  }

  get members(): Member[] {
    return [...this.streams.values()].flatMap(({ groups }) =>
      [...groups.values()].flatMap(({ members }) => members),
    );
  }

  newBody(): string {
    return `message ${this.#nextBody++}`;
  }

  /** Opens an engine on the folder, and makes the streams that did not outlive the one before. */
  async openEngine(): Promise<void> {
    const { settings } = this;
    const storage = settings.storage === 'memory' ? ('memory' as const) : { path: this.folder };
    this.engine = await openEngine({ storage, cacheBytesMax: cacheBytes(settings) });
    const options = streamOptions(settings);
    const trims = settings.limit === 'drop-oldest' || settings.limit === 'maxAge';
    const isWork = settings.retention === 'work';
    await this.#create(MAIN, options, { isWork, trims, survives: settings.storage === 'file' });
    const out = { isWork: true, trims: false, survives: settings.storage !== 'memory' };
    await this.#create(OUT, {}, out);
  }

  async #create(
    name: string,
    options: object,
    fields: Omit<ConstructorParameters<typeof StreamBook>[0], 'name'>,
  ): Promise<void> {
    if (this.streams.get(name)?.survives === true) return;
    await this.engine.createStream(name, options);
    this.streams.set(name, new StreamBook({ name, ...fields }));
  }

  /** Makes a group from a place that is known: the sequence number of what is to be its first message. */
  newGroup(stream: StreamBook, name: string, start: number, index: number): GroupBook {
    const settings = groupSettings(this.settings, index);
    const book = new GroupBook(stream, name, settings, start, this.journal);
    // What all others are done with is gone from a work queue, and is not for the new one.
    for (const entry of stream.entries.values()) {
      if (stream.isGone(entry.sequence)) book.begin(entry, 'done');
      else if (stream.groups.size > 0 && stream.mayBeGone(entry)) book.begin(entry, 'free');
    }
    stream.groups.set(name, book);
    return book;
  }

  /** Asks, without waiting for the answer; `commits` when the answer says that all before it is stored. */
  ask<T>(request: Promise<T>, answers: Answers<T>, commits = true): Promise<void> {
    const epoch = this.#epoch;
    const tick = this.journal.tick();
    const take = async (): Promise<void> => {
      try {
        const value = await request;
        if (epoch !== this.#epoch) return;
        if (commits) this.journal.confirm(tick);
        await answers.answered(value);
      } catch (error) {
        if (epoch !== this.#epoch) return;
        const { code } = error as { code?: string };
        if (code === 'ServerClosing' && this.isClosing) answers.crashed?.();
        else if ((await answers.refused?.({ ...(code !== undefined && { code }) })) !== true)
          this.broken(error);
      }
    };
    const answer = take().finally(() => this.#asked.delete(asked));
    const asked = { answer, crashed: () => answers.crashed?.() };
    this.#asked.add(asked);
    return answer;
  }

  get isAnswered(): boolean {
    return this.#asked.size === 0;
  }

  /** Waits for what was asked for. */
  async answers(): Promise<void> {
    while (this.#asked.size > 0) {
      await notStalled('an answer', Promise.all([...this.#asked].map(({ answer }) => answer)));
    }
    this.throwIfBroken();
  }

  /** What the engine does from now on is its own affair; what it has not answered will not be. */
  abandonEngine(): void {
    this.#epoch++;
    for (const { crashed } of this.#asked) crashed();
    this.#asked.clear();
  }

  async join(book: GroupBook, leaseMs: number, prefetch: number): Promise<Member> {
    const follower = new RecordingFollower();
    const member: Member = {
      follower,
      book,
      leaseMs,
      prefetch,
      lost: [],
      former: new Set(),
      isGone: false,
      upTo: 0,
      delivered: 0,
    };
    const epoch = this.#epoch;
    follower.onRun = (deliveries) => {
      if (epoch !== this.#epoch) return;
      const { time } = follower.runs[follower.runs.length - 1]!;
      for (const delivery of deliveries) this.#check(() => this.#delivered(member, delivery, time));
    };
    await follower.start(this.engine, { stream: book.stream.name }, { group: book.name, leaseMs });
    book.members.push(member);
    this.topUp(member);
    return member;
  }

  #delivered(member: Member, delivery: RecordingFollower['deliveries'][number], time: number): void {
    const { stream, name } = member.book;
    const { sequence, attempt, body, attributes } = delivery;
    try {
      const entry = stream.bind(sequence, body, attributes.group);
      const { headers, key, priority } = entry.publication.attributes;
      const isAlike =
        JSON.stringify([headers, key, priority]) ===
        JSON.stringify([attributes.headers, attributes.key, attributes.priority]);
      if (!isAlike) throw new Error(`has ${JSON.stringify(attributes)}`);
      member.book.delivered(member, delivery, entry, time);
    } catch (error) {
      const where = `${stream.name}/${sequence} in attempt ${attempt} to ${member.follower.id} of '${name}'`;
      throw new Error(`${where}: ${(error as Error).message}`);
    }
  }

  /** Where the stream begins and ends now: what is before its first message is gone. */
  async look(stream: StreamBook): Promise<void> {
    const { firstSequence, nextSequence } = await this.engine.streamInfo(stream.name);
    stream.firstSequence = firstSequence;
    stream.nextSequence = nextSequence;
    for (const book of stream.groups.values()) book.trimmed(firstSequence);
  }

  /** Lets the member have as much as its prefetch allows beside what it holds. */
  topUp(member: Member): void {
    const { book, prefetch, delivered } = member;
    this.credit(member, delivered + Math.max(0, prefetch - book.held(member).length));
  }

  /** Lets the members of these groups get no more for now. */
  freeze(books: Iterable<GroupBook>): void {
    for (const { members } of books) for (const member of members) this.credit(member, member.delivered);
  }

  credit(member: Member, upTo: number): void {
    member.upTo = upTo;
    member.follower.engineFollower.credit(upTo, Number.MAX_SAFE_INTEGER);
  }

  /** The books are told who leaves before the engine is, as what it held comes to others in the same stack. */
  leave(member: Member, isLost: boolean): void {
    member.book.leave(member, isLost);
    if (isLost) member.follower.engineFollower.lose();
    else member.follower.engineFollower.close();
  }

  broken(error: unknown): void {
    this.#violation ??= error as Error;
  }

  throwIfBroken(): void {
    if (this.#violation !== undefined) throw this.#violation;
  }

  #check(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.broken(error);
    }
  }
}

export async function notStalled<T>(what: string, promise: Promise<T>): Promise<T> {
  const { promise: stalled, reject } = Promise.withResolvers<never>();
  const watchdog = setTimeout(
    () => reject(new Error(`${what} did not come within ${STALLED_MS} ms`)),
    STALLED_MS,
  );
  try {
    return await Promise.race([promise, stalled]);
  } finally {
    clearTimeout(watchdog);
  }
}

/** Waits for a time by performance.now(). */
export function until(time: number): Promise<void> {
  const waitMs = Math.max(0, Math.ceil(time - performance.now()));
  return new Promise((resolve) => setTimeout(resolve, waitMs));
}
