/** A step is to take about this long, and the next commit to wait no longer than that; in ms. */
const STEP_MS = 8;

/** How much to do in one step, found by doing: the next is larger after a quick one, and smaller after a slow one. */
export class StepSize {
  readonly #max: number;
  #size = 1;

  constructor(max: number) {
    this.#max = max;
  }

  /** Runs a step of the size that seems right. */
  run<T>(step: (size: number) => T): T {
    const startedAt = performance.now();
    const result = step(this.#size);
    const tookMs = performance.now() - startedAt;
    if (tookMs > STEP_MS) this.#size = Math.max(1, Math.floor(this.#size / 2));
    else if (tookMs < STEP_MS / 2) this.#size = Math.min(this.#max, this.#size * 2);
    return result;
  }
}
