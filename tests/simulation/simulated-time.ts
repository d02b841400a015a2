import { Random } from '../fuzz/random.ts';

/** When a simulation begins, in milliseconds since 1970 UTC. */
const EPOCH_MS = 1_700_000_000_000;
/** How late a timer may be, in ms. */
const LATE_MS_MAX = 3;
/** What a turn of the event loop takes, in ms. */
const TURN_MS = 0.001;
/** Events for which the real event loop is asked at once: a turn of it costs more than most events. */
const STEPS_AT_ONCE = 64;

/** Whose events end together: a process that is killed. */
export interface Owner {
  isGone: boolean;
}

class Timer {
  at: number;
  order = 0;
  isCancelled = false;
  readonly action: () => void;
  readonly owner: Owner;
  readonly everyMs: number | undefined;

  constructor(at: number, action: () => void, owner: Owner, everyMs?: number) {
    this.at = at;
    this.action = action;
    this.owner = owner;
    this.everyMs = everyMs;
  }

  unref(): this {
    return this;
  }
}

const WORLD: Owner = { isGone: false };
const REAL = {
  setImmediate,
  setTimeout,
  clearTimeout,
  setInterval,
  clearInterval,
  Date,
  dateNow: Date.now,
  random: Math.random,
};

/** A date of the simulated wall clock, unless it is said which. */
class SimulatedDate extends REAL.Date {
  constructor(...parts: [] | [number]) {
    super(...((parts.length === 0 ? [REAL.Date.now()] : parts) as [number]));
  }
}

/**
 * Time that passes from event to event, and the timers, clocks and random numbers of a process under it: while it is
 * installed in Node's globals, the same seed gives the same run. Between two events all promises have been settled that
 * could be, as between two turns of the real event loop.
 */
export class SimulatedTime {
  /** In ms since the simulation began. */
  now = 0;
  /** By how much the wall clock was set since then, in ms. */
  wallOffsetMs = 0;
  /** The latest that it showed before it was set. */
  wallMax = 0;
  /** Whose the timers are that are made by way of the globals; its monotonic clock began at `bootedAt`. */
  process: Owner = WORLD;
  bootedAt = 0;
  events = 0;
  readonly #random: Random;
  readonly #heap: Timer[] = [];
  #order = 0;

  constructor(seed: number) {
    this.#random = new Random(seed);
  }

  get wall(): number {
    return Math.floor(EPOCH_MS + this.now + this.wallOffsetMs);
  }

  setWall(byMs: number): void {
    this.wallMax = Math.max(this.wallMax, this.wall);
    this.wallOffsetMs += byMs;
  }

  /** Does it at that time, unless the owner is gone by then. */
  at(time: number, action: () => void, owner: Owner = WORLD): Timer {
    return this.#push(new Timer(Math.max(time, this.now), action, owner));
  }

  after(ms: number, action: () => void, owner: Owner = WORLD): Timer {
    return this.at(this.now + ms, action, owner);
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve));
  }

  /** Lets events happen until it is over, or nothing is left to happen. What an event throws ends it. */
  run(isOver: () => boolean): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    let isDone = false;
    let left = 0;
    const step = (): void => {
      left--;
      if (isDone) return;
      try {
        isDone = isOver() || !this.#step();
      } catch (error) {
        isDone = true;
        reject(error);
      }
      if (isDone) resolve();
      else if (left === 0) ask();
    };
    const ask = (): void => {
      left = STEPS_AT_ONCE;
      for (let i = 0; i < STEPS_AT_ONCE; i++) REAL.setImmediate(step);
    };
    ask();
    return promise;
  }

  /** Puts itself in the place of Node's own. @returns what puts those back */
  install(): () => void {
    const late = (ms: number): number =>
      this.now + Math.max(1, ms) + this.#random.below(LATE_MS_MAX * 100) / 100;
    const cancel = (timer: Timer | undefined): void => {
      if (timer !== undefined) timer.isCancelled = true;
    };
    const own = {
      setTimeout: (action: () => void, ms = 1) => this.at(late(ms), action, this.process),
      setInterval: (action: () => void, ms: number) =>
        this.#push(new Timer(late(ms), action, this.process, ms)),
      setImmediate: (action: () => void) => this.after(TURN_MS, action, this.process),
      clearTimeout: cancel,
      clearInterval: cancel,
    };
    Object.assign(globalThis, own);
    REAL.Date.now = () => this.wall;
    globalThis.Date = SimulatedDate as DateConstructor;
    Math.random = () => this.#random.below(2 ** 30) / 2 ** 30;
    Object.defineProperty(performance, 'now', {
      value: () => this.now - this.bootedAt,
      configurable: true,
      writable: true,
    });
    return () => {
      const { dateNow, random, ...globals } = REAL;
      Object.assign(globalThis, globals);
      Date.now = dateNow;
      Math.random = random;
      Reflect.deleteProperty(performance, 'now');
    };
  }

  #step(): boolean {
    for (;;) {
      const timer = this.#pop();
      if (timer === undefined) return false;
      if (timer.isCancelled || timer.owner.isGone) continue;
      this.now = timer.at;
      this.events++;
      if (timer.everyMs !== undefined) {
        timer.at += timer.everyMs;
        this.#push(timer);
      }
      timer.action();
      return true;
    }
  }

  #push(timer: Timer): Timer {
    timer.order = this.#order++;
    const heap = this.#heap;
    let index = heap.push(timer) - 1;
    while (index > 0) {
      const parent = (index - 1) >>> 1;
      if (!isBefore(timer, heap[parent]!)) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = timer;
    return timer;
  }

  #pop(): Timer | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let index = 0;
    for (;;) {
      const left = index * 2 + 1;
      if (left >= heap.length) break;
      const right = left + 1;
      const child = right < heap.length && isBefore(heap[right]!, heap[left]!) ? right : left;
      if (!isBefore(heap[child]!, last)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = last;
    return first;
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.at !== b.at ? a.at < b.at : a.order < b.order;
}
