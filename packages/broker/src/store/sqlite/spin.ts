/** What a wait that came true adds to the trust in the next, what one in vain takes, and the most trust there is. */
const HIT_GAIN = 2;
const MISS_LOSS = 1;
const TRUST_MAX = 32;
/** Without trust only one wait in so many is tried. */
const PROBE_EVERY = 32;
/** Looks between two readings of the clock. */
const LOOKS = 16;

/**
 * Waits for another thread without sleeping. Waking a thread that sleeps costs tens of microseconds, on a virtual
 * machine more than the rest of a small commit but its fsync; so it pays to look again and again, for a short time,
 * when what is waited for usually comes within it.
 *
 * Invariant: no wait lasts longer than `budgetMs`, and where waits are in vain, because the other side is slow or has
 * no processor, almost none are tried.
 */
export class Spin {
  readonly #budgetMs: number;
  #trust = TRUST_MAX / 2;
  #untried = 0;

  constructor(budgetMs: number) {
    this.#budgetMs = budgetMs;
  }

  /** @returns whether `counters[index]` has moved on from `seen` */
  wait(counters: Int32Array, index: number, seen: number): boolean {
    if (this.#trust === 0 && ++this.#untried < PROBE_EVERY) return Atomics.load(counters, index) !== seen;
    this.#untried = 0;
    const isHit = this.#look(counters, index, seen);
    this.#trust = isHit ? Math.min(TRUST_MAX, this.#trust + HIT_GAIN) : Math.max(0, this.#trust - MISS_LOSS);
    return isHit;
  }

  #look(counters: Int32Array, index: number, seen: number): boolean {
    const deadline = performance.now() + this.#budgetMs;
    do {
      for (let i = 0; i < LOOKS; i++) {
        if (Atomics.load(counters, index) !== seen) return true;
        pause();
      }
    } while (performance.now() < deadline);
    return false;
  }
}

/** Tells the processor that this is such a loop; https://tc39.es/proposal-atomics-microwait. */
const pause: () => void = (Atomics as unknown as { pause?: () => void }).pause ?? (() => {});
