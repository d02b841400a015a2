import type { Attributes, GroupOptions, StreamRanges } from '@simplemq/protocol';
import type { Delivery } from '../recording-follower.ts';
import {
  addMessage,
  ensureGroup,
  fail,
  type ModelEntry,
  type ModelGroup,
  type ModelMessage,
  type ModelStream,
  removeDone,
  resetGroup,
  settleForGood,
  takenKeys,
} from './model-stream.ts';

export interface ModelFollower {
  readonly key: number;
  readonly bind: { stream: string } | { pattern: string };
  readonly group: string;
  readonly streams: Set<string>;
  /** What it held of streams and groups when they were deleted: stream/sequence/attempt. */
  readonly former: string[];
  /** The same, with those of which an ack has come. */
  readonly everFormer: Set<string>;
  upTo: number;
  delivered: number;
}

/** What a follower holds, and where. */
export interface Held {
  readonly stream: ModelStream;
  readonly group: ModelGroup;
  readonly entry: ModelEntry;
}

/** A message as it is to be published. */
export type ModelRecord = Attributes & { readonly body: string };

type Range = { stream: string; first: number; last: number; attempt: number };

/** Across a restart a due time is kept by the wall clock, which tells whole milliseconds. */
const RESTART_SLACK_MS = 2;
/** Messages that one follower of a group by key holds, at the most. */
const KEYED_HELD_MAX = 256;

/** What the engine promises, in the plainest form: every message on its own, for each group. */
export class EngineModel {
  readonly streams: Map<string, ModelStream> = new Map();
  readonly followers: Map<number, ModelFollower> = new Map();
  readonly #optionsOf: (group: string) => GroupOptions;
  /** Bodies are unique, so that a message that turns up in another's place is seen. */
  #nextBody = 1;
  #lettersGone = 0;

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
    for (const follower of this.followers.values())
      if (matches(follower.bind, name)) this.join(follower, stream);
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
    records: readonly ModelRecord[],
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
          const { body, priority = 1, key } = record;
          messages.push(addMessage(stream, { body, priority, key, entersAt }));
        }
        return { stream: stream.name, first };
      });
    return { placed, messages };
  }

  /** @throws Error when this delivery is one that must not be */
  deliver(key: number, delivery: Delivery): void {
    const { stream, sequence } = delivery;
    const follower = this.followers.get(key);
    if (follower?.streams.has(stream) !== true) throw new Error(`${stream} is not followed by ${key}`);
    follower.delivered++;
    if (follower.delivered > follower.upTo) throw new Error(`follower ${key} got more than its credit`);
    const group = this.streams.get(stream)!.groups.get(follower.group)!;
    const wrong = deliverOne(group, key, delivery);
    if (wrong !== undefined) {
      throw new Error(`${stream}/${sequence} to follower ${key} of '${group.name}': ${wrong}`);
    }
  }

  /** Whether some of the range may be of what the follower held before its stream or group began anew. */
  mayMeanFormer(key: number, { stream, first, last, attempt }: Range): boolean {
    const { everFormer } = this.followers.get(key)!;
    const numbers = Array.from({ length: last - first + 1 }, (_, index) => first + index);
    return numbers.some((sequence) => everFormer.has(`${stream}/${sequence}/${attempt}`));
  }

  /** Changes what the follower holds of the range, in that attempt; the rest is what must be told to be stale. */
  settle(key: number, range: Range, isAck: boolean, change: (held: Held) => void): StreamRanges[] {
    const follower = this.followers.get(key);
    const stream = this.streams.get(range.stream);
    const group = follower?.streams.has(range.stream) ? stream?.groups.get(follower.group) : undefined;
    const former = follower?.former ?? [];
    const stale: StreamRanges[] = [];
    for (let sequence = range.first; sequence <= range.last; sequence++) {
      const entry = group?.entries[sequence - 1];
      const isHeld = entry?.state === 'held' && entry.holder === key && entry.attempt === range.attempt;
      // The first ack is taken for that of a message which was held when its stream or group began anew.
      const index = isAck ? former.indexOf(`${range.stream}/${sequence}/${range.attempt}`) : -1;
      if (index >= 0) former.splice(index, 1);
      if (index < 0 && isHeld) change({ stream: stream!, group: group!, entry });
      else {
        const { attempt } = range;
        stale.push({ stream: range.stream, ranges: [{ first: sequence, last: sequence, attempt }] });
      }
    }
    if (stream !== undefined) removeDone(stream);
    return stale;
  }

  /** The follower is gone: what it held comes back one attempt further, at once unless it was lost. */
  leave(key: number, isLost: boolean): void {
    const held = this.held(key);
    this.followers.delete(key);
    for (const { stream, group, entry } of held) fail(stream, group, entry, isLost ? undefined : 0);
  }

  /** What was held comes back as when its follower leaves. */
  restart(survives: boolean): void {
    for (const key of [...this.followers.keys()]) this.leave(key, false);
    if (!survives) for (const name of [...this.streams.keys()]) this.#remove(name);
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
    this.#remove(name);
    return over;
  }

  /** @returns the followers that are over with it */
  deleteGroup(stream: ModelStream, name: string): number[] {
    const members = [...this.followers.values()].filter(
      ({ group, streams }) => group === name && streams.has(stream.name),
    );
    const over = members.filter(({ key }) => this.#drop(key, stream.name)).map(({ key }) => key);
    const { start } = stream.groups.get(name)!;
    stream.groups.delete(name);
    // What only it had begun before goes with it.
    for (const other of stream.groups.values()) other.start = Math.min(other.start, start);
    removeDone(stream);
    return over;
  }

  resetGroup(stream: ModelStream, group: ModelGroup, start: number): void {
    for (const follower of this.followers.values())
      if (follower.group === group.name) this.#outdate(follower.key, stream.name);
    resetGroup(stream, group, start);
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

  /** When something comes back that nobody has to ask for. */
  get nextDueAt(): number | undefined {
    const now = performance.now();
    const waiting = this.groups.flatMap(({ entries }) =>
      entries.filter(({ state, notBefore }) => state === 'waiting' && notBefore > now),
    );
    return waiting.length === 0 ? undefined : Math.min(...waiting.map(({ notBefore }) => notBefore));
  }

  /** Messages that went, or go, to the dead letters of any stream that ever was. */
  get lettersMade(): number {
    return [...this.streams.values()].reduce((sum, { letters }) => sum + letters.length, this.#lettersGone);
  }

  /** Whether the engine has nothing to do: no follower with credit has a message to get. */
  get isQuiet(): boolean {
    const now = performance.now();
    return [...this.followers.values()].every(({ key, upTo, delivered, streams, group: as }) => {
      if (delivered >= upTo) return true;
      return [...streams].every((name) => {
        const group = this.streams.get(name)!.groups.get(as)!;
        return isFull(group, key) || !hasDue(group, now);
      });
    });
  }

  #remove(name: string): void {
    this.#lettersGone += this.streams.get(name)!.letters.length;
    this.streams.delete(name);
  }

  /** What the follower holds of the stream is not its own any more. */
  #outdate(key: number, name: string): void {
    const { former, everFormer } = this.followers.get(key)!;
    for (const { stream, entry } of this.held(key)) {
      if (stream.name !== name) continue;
      const held = `${name}/${entry.message.sequence}/${entry.attempt}`;
      former.push(held);
      everFormer.add(held);
    }
  }

  /** @returns whether the follower is over, as it followed nothing else */
  #drop(key: number, name: string): boolean {
    const { bind, streams } = this.followers.get(key)!;
    this.#outdate(key, name);
    const isOver = streams.delete(name) && 'stream' in bind;
    if (isOver) this.followers.delete(key);
    return isOver;
  }
}

export function matches(bind: ModelFollower['bind'], name: string): boolean {
  return 'stream' in bind ? bind.stream === name : new RegExp(bind.pattern).test(name);
}

/** @returns what is wrong with the delivery, if anything is */
function deliverOne(group: ModelGroup, follower: number, delivery: Delivery): string | undefined {
  const { sequence, body, attempt, attributes } = delivery;
  const entry = group.entries[sequence - 1];
  if (entry?.message.body !== body) return `'${body}', and it is '${entry?.message.body}'`;
  const { priority, key } = entry.message;
  if ((attributes.priority ?? 1) !== priority || attributes.key !== key)
    return `with ${JSON.stringify(attributes)}`;
  if (entry.state !== 'fresh' && entry.state !== 'waiting')
    return `it is ${entry.state} (with ${entry.holder})`;
  if (entry.attempt !== attempt) return `in attempt ${attempt}, and it is in ${entry.attempt}`;
  if (entry.notBefore > performance.now()) return 'before its delay is over';
  const before = comesBefore(group, entry);
  if (before !== undefined) return `${before} comes first`;
  if (attempt > 1) group.redelivered++;
  entry.state = 'held';
  entry.holder = follower;
  return undefined;
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
    return other.state === 'waiting' ? other.notBefore <= 0 : other.state === 'fresh' && isDurable;
  });
  if (first !== undefined) return first.message.sequence;
  return state === 'fresh' && message.key !== undefined ? takenKeys(group).get(message.key) : undefined;
}

/** What lies with one follower holds up the keys that it is of, so it gets no more than so much. */
function isFull({ options, entries }: ModelGroup, follower: number): boolean {
  return (
    options.ordering === 'key' && entries.filter(({ holder }) => holder === follower).length >= KEYED_HELD_MAX
  );
}

function hasDue(group: ModelGroup, now: number): boolean {
  const taken = takenKeys(group);
  return group.entries.some(({ message: { key }, state, notBefore }) => {
    if (state === 'waiting') return notBefore <= now;
    return state === 'fresh' && notBefore <= now && (key === undefined || !taken.has(key));
  });
}
