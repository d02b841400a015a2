/** Looks between two readings of the clock. */
const LOOKS = 16;
/** After waits in vain, one after the other, so many are not tried at the most. */
const SKIPPED_MAX = 2;

/** What is waited for, as places in memory that the threads share: numbers that go up. */
export interface Awaited {
  readonly done: number;
  /** Goes up when the other side begins: before that it may be waiting for the very processor that looks. */
  readonly begun: number;
}

/** The numbers as they were before the other side was told. */
export interface Seen {
  readonly done: number;
  readonly begun: number;
}

/**
 * Waits for another thread without sleeping. Waking a thread that sleeps costs tens of microseconds, on a virtual
 * machine more than the rest of a small commit but its fsync; so it pays to look again and again, for a short time,
 * when what is waited for usually comes within it.
 *
 * Invariant: no wait lasts longer than `budgetMs`, nor than `beginMs` if the other side does not begin by then. After a
 * wait in vain the next ones sleep, twice as many each time: whoever sleeps leaves its processor to the other side, or
 * is woken on another one.
 */
export class Spin {
  readonly #counters: Int32Array;
  readonly #awaited: Awaited;
  readonly #budgetMs: number;
  readonly #beginMs: number;
  #skipped = 0;
  #skip = 0;

  constructor(counters: Int32Array, awaited: Awaited, budgetMs: number, beginMs: number) {
    this.#counters = counters;
    this.#awaited = awaited;
    this.#budgetMs = budgetMs;
    this.#beginMs = beginMs;
  }

  /** To be called before the other side is told. */
  see(): Seen {
    return { done: this.#load(this.#awaited.done), begun: this.#load(this.#awaited.begun) };
  }

  /** @returns whether it is done */
  wait(seen: Seen): boolean {
    if (this.#skipped < this.#skip) {
      this.#skipped++;
      return this.#load(this.#awaited.done) !== seen.done;
    }
    this.#skipped = 0;
    const isHit = this.#look(seen);
    this.#skip = isHit ? 0 : Math.min(SKIPPED_MAX, this.#skip * 2 + 1);
    return isHit;
  }

  #look(seen: Seen): boolean {
    const startedAt = performance.now();
    let deadline = startedAt + this.#beginMs;
    do {
      for (let i = 0; i < LOOKS; i++) {
        if (this.#load(this.#awaited.done) !== seen.done) return true;
        pause();
      }
      if (this.#load(this.#awaited.begun) !== seen.begun) deadline = startedAt + this.#budgetMs;
    } while (performance.now() < deadline);
    return false;
  }

  #load(index: number): number {
    return Atomics.load(this.#counters, index);
  }
}

/** Tells the processor that this is such a loop; https://tc39.es/proposal-atomics-microwait. */
const pause: () => void = (Atomics as unknown as { pause?: () => void }).pause ?? (() => {});
