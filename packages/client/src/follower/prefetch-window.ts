/** Work that should be buffered, in ms: enough to hide a round trip, little enough to hand back. */
const BUFFERED_WORK_MS = 50;
const WINDOW_MAX = 16_384;
const GROWTH_MAX = 4;

/**
 * How many messages a follower may hold. It begins with the least, and grows while the handler is quick, so that about
 * 50 ms of work are held. Pure: it is told the time.
 */
export class PrefetchWindow {
  /** Messages in hand and buffered together. */
  size: number;
  readonly fixed: boolean;
  readonly #least: number;
  /** Work measured since the last review, in ms, up to `#since`. */
  #busyMs = 0;
  /** When work was taken up; undefined while there is none. */
  #since: number | undefined;

  constructor(prefetch: 'auto' | number, least: number) {
    this.fixed = prefetch !== 'auto';
    this.#least = least;
    this.size = prefetch === 'auto' ? least : Math.max(prefetch, least);
  }

  /** There is work (again). */
  resume(now: number): void {
    this.#since ??= now;
  }

  /** Everything that was there is done. */
  pause(now: number): void {
    if (this.#since !== undefined) this.#busyMs += now - this.#since;
    this.#since = undefined;
  }

  /** `finished` messages were handled since the last review. */
  review(now: number, finished: number): void {
    if (this.fixed || finished === 0) return;
    const busyMs = this.#busyMs + (this.#since === undefined ? 0 : now - this.#since);
    this.#busyMs = 0;
    if (this.#since !== undefined) this.#since = now;
    const desired = busyMs <= 0 ? WINDOW_MAX : Math.floor((BUFFERED_WORK_MS * finished) / busyMs);
    this.size = Math.max(this.#least, Math.min(desired, this.size * GROWTH_MAX, WINDOW_MAX));
  }

  /** The handler is slow. */
  shrink(): void {
    if (!this.fixed) this.size = this.#least;
  }
}
