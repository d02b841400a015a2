import { monotonicMs } from '../clock.ts';

/** Of a second's messages, the share that may go at once. */
const BURST_SECONDS = 0.05;

/** A token bucket: messages per second, evenly but for a short burst. */
export class RateLimit {
  readonly perSecond: number;
  readonly #perMs: number;
  readonly #burst: number;
  #tokens: number;
  #at: number;

  /** @param before the one in whose place it is: what that has left goes on, so that changes bring no burst each */
  constructor(perSecond: number, before?: RateLimit) {
    this.perSecond = perSecond;
    this.#perMs = perSecond / 1000;
    this.#burst = Math.max(1, perSecond * BURST_SECONDS);
    this.#tokens = before === undefined ? this.#burst : Math.min(this.#burst, before.#refill());
    this.#at = monotonicMs();
  }

  /** How many messages may go now. */
  get allowance(): number {
    return Math.floor(this.#refill());
  }

  take(messages: number): void {
    this.#tokens -= messages;
  }

  /** Milliseconds until the next message may go. */
  get waitMs(): number {
    return Math.max(0, (1 - this.#tokens) / this.#perMs);
  }

  #refill(): number {
    const now = monotonicMs();
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#at) * this.#perMs);
    this.#at = now;
    return this.#tokens;
  }
}
