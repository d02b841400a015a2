/** Milliseconds that only go forward, whatever happens to the wall clock; for leases and waits within one run. */
export function monotonicMs(): number {
  return performance.now();
}

/** A timer that is to wait longer, in ms, fires at once. */
export const TIMER_MS_MAX: number = 2 ** 31 - 1;

/** A wall clock that moved by more than this was set, and did not just drift; in ms. */
const STEP_MS = 500;

/** What is known of the clock of the last run. */
export interface LastClock {
  /** By how much the wall clock was ahead of the steady one, in ms. */
  readonly clockOffsetMs: number;
  /** What the steady clock showed when a delay, a retry or a message id was stored last; 0 for never. */
  readonly clockSteadyMs: number;
}

/**
 * A clock for delays that outlive a run: it goes on where it was, and what happens to the wall clock while the broker
 * runs does not change it. A wall clock that is set forward while no broker runs cannot be told from time that passed;
 * one that is set back makes nothing wait longer than it had to when it was stored.
 *
 *   steady = wall - offset     when the broker starts, but not before what was stored last; from then on it goes forward
 *                              with the monotonic clock
 *
 * Invariant: after `noticeStep` the stored offset is right to half a second, so that the next run goes on with it.
 */
export class SteadyClock {
  readonly #baseMs: number;
  #offsetMs: number;

  constructor({ clockOffsetMs, clockSteadyMs }: LastClock) {
    this.#offsetMs = clockOffsetMs;
    this.#baseMs = Math.max(Date.now() - clockOffsetMs, clockSteadyMs) - monotonicMs();
  }

  now(): number {
    return this.#baseMs + monotonicMs();
  }

  /** A time of the monotonic clock of this run, by this clock. */
  fromMonotonic(ms: number): number {
    return this.#baseMs + ms;
  }

  toMonotonic(steadyMs: number): number {
    return steadyMs - this.#baseMs;
  }

  /** @returns the new offset, to be stored, when the wall clock was set since the last look */
  noticeStep(): number | undefined {
    const offsetMs = Date.now() - this.now();
    if (Math.abs(offsetMs - this.#offsetMs) < STEP_MS) return undefined;
    this.#offsetMs = Math.round(offsetMs);
    return this.#offsetMs;
  }
}
