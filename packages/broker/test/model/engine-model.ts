import type { GroupOptions, StreamRanges } from '@simplemq/protocol';
import {
  addMessage,
  ensureGroup,
  fail,
  type ModelEntry,
  type ModelGroup,
  type ModelMessage,
  type ModelStream,
  removeDone,
  settleForGood,
  takenKeys,
} from './model-stream.ts';
import type { MadeRecord, ReadRecord } from './records.ts';

export interface ModelFollower {
  readonly key: number;
  readonly bind: { stream: string } | { pattern: string };
  readonly group: string;
  readonly streams: Set<string>;
  /** What it held of streams and groups when they were deleted: stream/sequence/attempt. */
  readonly former: string[];
  upTo: number;
  delivered: number;
}

/** What a follower holds, and where. */
export interface Held {
  readonly stream: ModelStream;
  readonly group: ModelGroup;
  readonly entry: ModelEntry;
}

type Range = { stream: string; first: number; last: number; attempt: number };

/** Across a restart a due time is kept by the wall clock, which tells whole milliseconds. */
const RESTART_SLACK_MS = 2;

/** What the engine promises, in the plainest form: every message on its own, for each group. */
export class EngineModel {
  readonly streams: Map<string, ModelStream> = new Map();
  readonly followers: Map<number, ModelFollower> = new Map();
  readonly #optionsOf: (group: string) => GroupOptions;
  /** Bodies are unique, so that a message that turns up in another's place is seen. */
  #nextBody = 1;

  /** @param optionsOf what the groups of a name are like */
  constructor(optionsOf: (group: string) => GroupOptions) {
    this.#optionsOf = optionsOf;
  }

  newBody(): string {
    return `message ${this.#nextBody++}`;
  }

  create(name: string, retention: ModelStream['retention']): void {
    const stream = { name, retention, messages: [], groups: new Map(), letters: [], firstSequence: 1 };
    this.streams.set(name, stream);
    for (const follower of this.followers.values()) if (matches(follower.bind, name)) this.join(follower, stream);
  }

  join(follower: ModelFollower, stream: ModelStream): void {
    follower.streams.add(stream.name);
    this.ensureGroup(stream, follower.group, stream.firstSequence);
  }

  ensureGroup(stream: ModelStream, name: string, start: number): ModelGroup {
    return ensureGroup(stream, name, this.#optionsOf(name), start);
  }

  /**
   * @param entersAt when each enters, for those that are delayed, which do so in the order of their times
   * @returns the first sequence number on each stream, and the messages
   */
  publish(
    bind: ModelFollower['bind'],
    records: readonly MadeRecord[],
    entersAt: readonly number[] = [],
  ): { placed: { stream: string; first: number }[]; messages: ModelMessage[] } {
    const order = records.map((record, index) => ({ record, entersAt: entersAt[index] ?? 0 }));
    order.sort((a, b) => a.entersAt - b.entersAt);
    const messages: ModelMessage[] = [];
    const placed = [...this.streams.values()]
      .filter(({ name }) => matches(bind, name))
      .map((stream) => {
        const first = stream.messages.length + 1;
        for (const { record, entersAt } of order) {
          const { priority = 1, key } = record.attributes;
          messages.push(addMessage(stream, { body: record.body, priority, key, entersAt }));
        }
        return { stream: stream.name, first };
      });
    return { placed, messages };
  }

  /** @throws Error when this delivery is one that must not be */
  deliver(key: number, streamName: string, attempt: number, records: readonly ReadRecord[]): void {
    const follower = this.followers.get(key);
    if (follower?.streams.has(streamName) !== true) throw new Error(`${streamName} is not followed by ${key}`);
    follower.delivered += records.length;
    if (follower.delivered > follower.upTo) throw new Error(`follower ${key} got more than its credit`);
    const group = this.streams.get(streamName)!.groups.get(follower.group)!;
    for (const record of records) {
      try {
        deliverOne(group, key, attempt, record);
      } catch (error) {
        const where = `${streamName}/${record.sequence} to follower ${key} of '${group.name}'`;
        throw new Error(`${where}: ${(error as Error).message}`);
      }
    }
  }

  /** Changes what the follower holds of the range, in that attempt; the rest is what must be told to be stale. */
  settle(key: number, range: Range, isForGood: boolean, change: (held: Held) => void): StreamRanges[] {
    const follower = this.followers.get(key);
    const stream = this.streams.get(range.stream);
    const group = follower?.streams.has(range.stream) ? stream?.groups.get(follower.group) : undefined;
    const former = follower?.former ?? [];
    const stale: StreamRanges[] = [];
    for (let sequence = range.first; sequence <= range.last; sequence++) {
      const entry = group?.entries[sequence - 1];
      const isHeld = entry?.state === 'held' && entry.holder === key && entry.attempt === range.attempt;
      // The first settlement is taken for that of a message which was held when its stream was deleted.
      const index = former.indexOf(`${range.stream}/${sequence}/${range.attempt}`);
      if (index >= 0 && isForGood) former.splice(index, 1);
      if (index < 0 && isHeld) change({ stream: stream!, group: group!, entry });
      else {
        const { attempt } = range;
        stale.push({ stream: range.stream, ranges: [{ first: sequence, last: sequence, attempt }] });
      }
    }
    if (stream !== undefined) removeDone(stream);
    return stale;
  }

  /** The follower is gone: what it held comes back one attempt further. */
  leave(key: number): void {
    const held = this.held(key);
    this.followers.delete(key);
    for (const { stream, group, entry } of held) fail(stream, group, entry, undefined);
  }

  /** @param isCrash what was held comes back at once */
  restart(survives: boolean, isCrash: boolean): void {
    for (const key of [...this.followers.keys()]) {
      if (isCrash) for (const { stream, group, entry } of this.held(key)) fail(stream, group, entry, 0);
      this.leave(key);
    }
    if (!survives) this.streams.clear();
    for (const { groups } of this.streams.values()) {
      for (const group of groups.values()) {
        group.redelivered = 0;
        for (const entry of group.entries) entry.notBefore -= RESTART_SLACK_MS;
      }
    }
  }

  /** @returns the followers that are over with it */
  delete(name: string): number[] {
    const over = [...this.followers.keys()].filter((key) => this.#drop(key, name));
    this.streams.delete(name);
    return over;
  }

  /** @returns the followers that are over with it */
  deleteGroup(stream: ModelStream, name: string): number[] {
    const members = [...this.followers.values()].filter(
      ({ group, streams }) => group === name && streams.has(stream.name),
    );
    const over = members.filter(({ key }) => this.#drop(key, stream.name)).map(({ key }) => key);
    stream.groups.delete(name);
    removeDone(stream);
    return over;
  }

  held(key: number): Held[] {
    const held: Held[] = [];
    for (const stream of this.streams.values()) {
      for (const group of stream.groups.values()) {
        for (const entry of group.entries) if (entry.holder === key) held.push({ stream, group, entry });
      }
    }
    return held;
  }

  /** What went to the dead letters is there. */
  buried(): void {
    for (const stream of this.streams.values()) {
      for (const { entries } of stream.groups.values()) {
        for (const entry of entries) if (entry.state === 'dying') settleForGood(entry);
      }
      removeDone(stream);
    }
  }

  get groups(): ModelGroup[] {
    return [...this.streams.values()].flatMap(({ groups }) => [...groups.values()]);
  }

  /** Whether the engine has nothing to do: no follower with credit has a message to get. */
  get isQuiet(): boolean {
    const now = performance.now();
    return [...this.followers.values()].every(({ upTo, delivered, streams, group }) => {
      if (delivered >= upTo) return true;
      return [...streams].every((name) => !hasDue(this.streams.get(name)!.groups.get(group)!, now));
    });
  }

  /** @returns whether the follower is over, as it followed nothing else */
  #drop(key: number, name: string): boolean {
    const { bind, streams, former } = this.followers.get(key)!;
    for (const { stream, entry } of this.held(key)) {
      if (stream.name === name) former.push(`${name}/${entry.message.sequence}/${entry.attempt}`);
    }
    const isOver = streams.delete(name) && 'stream' in bind;
    if (isOver) this.followers.delete(key);
    return isOver;
  }
}

export function matches(bind: ModelFollower['bind'], name: string): boolean {
  return 'stream' in bind ? bind.stream === name : new RegExp(bind.pattern).test(name);
}

/** @throws Error when this delivery is one that must not be */
function deliverOne(group: ModelGroup, follower: number, attempt: number, record: ReadRecord): void {
  const { sequence, body, attributes } = record;
  const entry = group.entries[sequence - 1];
  const message = entry?.message;
  if (message?.body !== body) throw new Error(`'${body}', and it is '${message?.body}'`);
  const isAlike = (attributes.priority ?? 1) === message.priority && attributes.key === message.key;
  if (!isAlike) throw new Error(`with ${JSON.stringify(attributes)}`);
  if (entry!.state !== 'fresh' && entry!.state !== 'waiting') {
    throw new Error(`it is ${entry!.state} (with ${entry!.holder})`);
  }
  if (entry!.attempt !== attempt) throw new Error(`in attempt ${attempt}, and it is in ${entry!.attempt}`);
  if (entry!.notBefore > performance.now()) throw new Error('before its delay is over');
  const before = comesBefore(group, entry!);
  if (before !== undefined) throw new Error(`${before} comes first`);
  if (attempt > 1) group.redelivered++;
  entry!.state = 'held';
  entry!.holder = follower;
}

/** A message that has to be delivered before this one. */
function comesBefore(group: ModelGroup, { message, state }: ModelEntry): number | undefined {
  const isByKey = group.options.ordering === 'key';
  const first = group.entries.find((other) => {
    const { priority, key, isDurable, sequence } = other.message;
    if (other.message === message) return false;
    // While a key is taken its messages wait, and others go ahead.
    if (isByKey && (key === undefined || key !== message.key)) return false;
    const isEarlier = state === 'fresh' && other.state === 'fresh' && sequence < message.sequence;
    if (priority === message.priority) return isEarlier;
    if (isByKey || priority < message.priority) return false;
    return other.state === 'waiting' ? other.notBefore === 0 : other.state === 'fresh' && isDurable;
  });
  if (first !== undefined) return first.message.sequence;
  return state === 'fresh' && message.key !== undefined ? takenKeys(group).get(message.key) : undefined;
}

function hasDue(group: ModelGroup, now: number): boolean {
  const taken = takenKeys(group);
  return group.entries.some(({ message: { key }, state, notBefore }) => {
    if (state === 'waiting') return notBefore <= now;
    return state === 'fresh' && notBefore <= now && (key === undefined || !taken.has(key));
  });
}
