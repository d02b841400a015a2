/** Of a second's messages, the share that may come at once. */
const BURST_SECONDS = 0.05;
/** Messages that a look at the clock which comes late makes too many. */
const SLACK = 4;

/** Whether a group gets no more than its rate allows: a bucket that fills as time goes by. */
export class RateCheck {
  readonly #perMs: number;
  readonly #burst: number;
  #tokens: number;
  #at: number = performance.now();

  /** @param perSecond 0 for any number */
  constructor(perSecond: number) {
    this.#perMs = perSecond / 1000;
    this.#burst = Math.max(1, perSecond * BURST_SECONDS);
    this.#tokens = this.#burst;
  }

  /** One more came. @returns whether it may */
  take(now: number): boolean {
    if (this.#perMs === 0) return true;
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#at) * this.#perMs) - 1;
    this.#at = now;
    return this.#tokens >= -SLACK;
  }
}
