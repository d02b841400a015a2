import type { StreamRanges } from '@simplemq/protocol';

/** What the engine promises, in the plainest form: every message on its own, with all that matters about it. */
export interface ModelMessage {
  readonly sequence: number;
  readonly body: string;
  /** `gone` is acked or purged: it must never be seen again. */
  state: 'fresh' | 'held' | 'waiting' | 'gone';
  /** Of the delivery that it is in, or else of the next one. */
  attempt: number;
  holder: number | undefined;
  /** By performance.now(). */
  notBefore: number;
}

export interface ModelStream {
  readonly name: string;
  /** The message with sequence number n is at n - 1. */
  messages: ModelMessage[];
  hasGroup: boolean;
  redelivered: number;
}

export interface ModelFollower {
  readonly key: number;
  readonly bind: { stream: string } | { pattern: string };
  readonly streams: Set<string>;
  /** What it held of streams when they were deleted: stream/sequence/attempt. */
  readonly former: string[];
  upTo: number;
  delivered: number;
}

type Range = { stream: string; first: number; last: number; attempt: number };

export class EngineModel {
  readonly streams: Map<string, ModelStream> = new Map();
  readonly followers: Map<number, ModelFollower> = new Map();
  /** Bodies are unique, so that a message that turns up in another's place is seen. */
  #nextBody = 1;

  newBodies(count: number): string[] {
    return Array.from({ length: count }, () => `message ${this.#nextBody++}`);
  }

  create(name: string): void {
    this.streams.set(name, { name, messages: [], hasGroup: false, redelivered: 0 });
    for (const follower of this.followers.values())
      if (matches(follower.bind, name)) this.join(follower, name);
  }

  join(follower: ModelFollower, name: string): void {
    follower.streams.add(name);
    this.streams.get(name)!.hasGroup = true;
  }

  /** @returns the first sequence number on each stream */
  publish(bind: ModelFollower['bind'], bodies: readonly string[]): { stream: string; first: number }[] {
    const streams = [...this.streams.values()].filter(({ name }) => matches(bind, name));
    return streams.map(({ name, messages }) => {
      const first = messages.length + 1;
      for (const body of bodies) {
        const sequence = messages.length + 1;
        messages.push({ sequence, body, state: 'fresh', attempt: 1, holder: undefined, notBefore: 0 });
      }
      return { stream: name, first };
    });
  }

  /** @throws Error when this delivery is one that must not be */
  deliver(key: number, stream: string, first: number, attempt: number, bodies: readonly string[]): void {
    const follower = this.followers.get(key);
    if (follower?.streams.has(stream) !== true) throw new Error(`${stream} is not followed by ${key}`);
    follower.delivered += bodies.length;
    if (follower.delivered > follower.upTo) throw new Error(`follower ${key} got more than its credit`);
    const model = this.streams.get(stream)!;
    bodies.forEach((body, index) => {
      const sequence = first + index;
      const where = `${stream}/${sequence} to follower ${key}`;
      const message = model.messages[sequence - 1];
      if (message?.body !== body) throw new Error(`${where}: '${body}', and it is '${message?.body}'`);
      if (message.state !== 'fresh' && message.state !== 'waiting')
        throw new Error(`${where}: it is ${message.state} (with ${message.holder})`);
      if (message.attempt !== attempt)
        throw new Error(`${where}: in attempt ${attempt}, and it is in ${message.attempt}`);
      if (message.notBefore > performance.now()) throw new Error(`${where}: before its delay is over`);
      if (message.state === 'fresh' && firstFresh(model) !== sequence)
        throw new Error(`${where}: ${firstFresh(model)} comes first`);
      if (attempt > 1) model.redelivered++;
      message.state = 'held';
      message.holder = key;
    });
  }

  /** Changes what the follower holds of the range, in that attempt; the rest is what must be told to be stale. */
  settle(
    key: number,
    range: Range,
    isForGood: boolean,
    change: (message: ModelMessage) => void,
  ): StreamRanges[] {
    const former = this.followers.get(key)?.former ?? [];
    const messages = this.streams.get(range.stream)?.messages ?? [];
    const isFollowed = this.followers.get(key)?.streams.has(range.stream) ?? false;
    const stale: StreamRanges[] = [];
    for (let sequence = range.first; sequence <= range.last; sequence++) {
      const message = messages[sequence - 1];
      const isHeld = isFollowed && message?.state === 'held' && message.holder === key;
      // The first settlement is taken for that of a deleted stream's message.
      const index = former.indexOf(`${range.stream}/${sequence}/${range.attempt}`);
      if (index >= 0 && isForGood) former.splice(index, 1);
      if (index < 0 && isHeld && message.attempt === range.attempt) change(message);
      else {
        const { attempt } = range;
        stale.push({ stream: range.stream, ranges: [{ first: sequence, last: sequence, attempt }] });
      }
    }
    return stale;
  }

  /** The follower is gone: what it held comes back one attempt further. */
  leave(key: number): void {
    this.followers.delete(key);
    for (const message of this.#all()) if (message.holder === key) giveBack(message, 1);
  }

  restart(survives: boolean): void {
    for (const key of [...this.followers.keys()]) this.leave(key);
    if (!survives) this.streams.clear();
    for (const message of this.#all()) message.notBefore = 0;
    for (const stream of this.streams.values()) stream.redelivered = 0;
  }

  purge(name: string): number {
    const stream = this.streams.get(name)!;
    const left = stream.messages.filter(({ state }) => state !== 'gone');
    stream.hasGroup = true;
    for (const message of left) settleForGood(message);
    return left.length;
  }

  /** @returns the followers that are over with it */
  delete(name: string): number[] {
    for (const { key, former } of this.followers.values()) {
      for (const { stream, message } of this.held(key)) {
        if (stream === name) former.push(`${name}/${message.sequence}/${message.attempt}`);
      }
    }
    this.streams.delete(name);
    const over: number[] = [];
    for (const { key, bind, streams } of this.followers.values()) {
      streams.delete(name);
      if ('stream' in bind && bind.stream === name) over.push(key);
    }
    for (const key of over) this.followers.delete(key);
    return over;
  }

  held(key: number): { stream: string; message: ModelMessage }[] {
    return [...this.streams.values()].flatMap(({ name, messages }) =>
      messages.filter(({ holder }) => holder === key).map((message) => ({ stream: name, message })),
    );
  }

  /** Whether the engine has nothing to do: no follower with credit has a message to get. */
  get isQuiet(): boolean {
    const now = performance.now();
    return [...this.followers.values()].every(({ upTo, delivered, streams }) => {
      if (delivered >= upTo) return true;
      return [...streams].every((name) => !this.streams.get(name)!.messages.some((m) => isDue(m, now)));
    });
  }

  #all(): ModelMessage[] {
    return [...this.streams.values()].flatMap(({ messages }) => messages);
  }
}

export function settleForGood(message: ModelMessage): void {
  message.state = 'gone';
  message.holder = undefined;
}

export function giveBack(message: ModelMessage, attempts: 0 | 1, delayMs = 0): void {
  message.state = 'waiting';
  message.holder = undefined;
  message.attempt += attempts;
  message.notBefore = delayMs === 0 ? 0 : performance.now() + delayMs;
}

export function matches(bind: ModelFollower['bind'], name: string): boolean {
  return 'stream' in bind ? bind.stream === name : new RegExp(bind.pattern).test(name);
}

/** What streamInfo and pending are to tell. */
export function expectedInfo({ messages, hasGroup, redelivered }: ModelStream): object {
  const left = messages.filter(({ state }) => state !== 'gone');
  const pending = left.filter(({ state }) => state === 'held' || state === 'waiting');
  const fresh = left.filter(({ state }) => state === 'fresh');
  const nextSequence = messages.length + 1;
  const ackFloor = (left[0]?.sequence ?? nextSequence) - 1;
  const group = { lag: fresh.length, pending: pending.length, redelivered, ackFloor };
  return { messages: left.length, nextSequence, groups: hasGroup ? [group] : [] };
}

function firstFresh({ messages }: ModelStream): number | undefined {
  return messages.find(({ state }) => state === 'fresh')?.sequence;
}

function isDue({ state, notBefore }: ModelMessage, now: number): boolean {
  return state === 'fresh' || (state === 'waiting' && notBefore <= now);
}
