const WINDOW_MS = 1_000;

interface Sample {
  readonly atMs: number;
  readonly total: number;
}

/** How fast a total grows, over the last second. */
export class Rate {
  readonly #samples: Sample[] = [];

  /** @returns what came since the sample before, per second */
  sample(atMs: number, total: number): number {
    const previous = this.#samples.at(-1);
    this.#samples.push({ atMs, total });
    while (this.#samples.length > 2 && this.#samples[1]!.atMs <= atMs - WINDOW_MS) this.#samples.shift();
    return growth(previous, { atMs, total });
  }

  get perSecond(): number {
    return growth(this.#samples[0], this.#samples.at(-1));
  }
}

function growth(first: Sample | undefined, last: Sample | undefined): number {
  if (first === undefined || last === undefined || last.atMs <= first.atMs) return 0;
  return ((last.total - first.total) * 1_000) / (last.atMs - first.atMs);
}
