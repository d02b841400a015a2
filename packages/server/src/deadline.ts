/** A point in time that several waits share. */
export class Deadline {
  readonly #endsMs: number;

  constructor(afterMs: number) {
    this.#endsMs = performance.now() + afterMs;
  }

  /** @returns whether `promise` was settled in time; a rejection is passed on */
  async holds(promise: Promise<unknown>): Promise<boolean> {
    const { promise: late, resolve } = Promise.withResolvers<false>();
    const timer = setTimeout(resolve, Math.max(0, this.#endsMs - performance.now()), false);
    try {
      return await Promise.race([promise.then(() => true), late]);
    } finally {
      clearTimeout(timer);
    }
  }
}
