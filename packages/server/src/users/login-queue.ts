/** One who waits for a password to be checked. */
interface Waiting {
  readonly work: () => Promise<void>;
  readonly isWanted: () => boolean;
}

/**
 * Checks passwords one after another, and rests after each for as long as a processor was at work on it: so that a flood
 * of logins takes half of one core at most, whatever is sent, and the rest is the messages'.
 */
export class LoginQueue {
  readonly #waitingMax: number;
  readonly #workedMs: () => number;
  readonly #waiting: Waiting[] = [];
  #isBusy = false;

  /** @param workedMs how long a processor was at work on passwords so far, in ms */
  constructor(waitingMax: number, workedMs: () => number) {
    this.#waitingMax = waitingMax;
    this.#workedMs = workedMs;
  }

  get isFull(): boolean {
    return this.#waiting.length >= this.#waitingMax;
  }

  /**
   * Does `work` when its turn comes, unless it is not wanted any more by then. Not to be called while the queue is full.
   *
   * @returns what `work` returns; undefined when it was not done
   */
  run<T>(work: () => Promise<T>, isWanted: () => boolean): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({
        work: () => work().then(resolve, reject),
        isWanted: () => {
          const wanted = isWanted();
          if (!wanted) resolve(undefined);
          return wanted;
        },
      });
      if (!this.#isBusy) void this.#work();
    });
  }

  async #work(): Promise<void> {
    this.#isBusy = true;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      if (!next.isWanted()) continue;
      const begunMs = this.#workedMs();
      await next.work();
      const tookMs = this.#workedMs() - begunMs;
      // What was known without a hash took no time: there is nothing to rest from.
      if (tookMs >= 1) await rest(tookMs);
    }
    this.#isBusy = false;
  }
}

function rest(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
