/** What comes next for a message in a group: the delivery with this attempt, or none any more. */
export type Next = number | 'done' | 'dead';

/**
 * What would come next for a message if the broker crashed, as it changed over time.
 *
 * Invariant: after a crash what comes next is as the last change that is on the disk says, or a later one.
 */
export class Trail {
  #before: ReadonlySet<Next> = new Set([1]);
  #changes: { readonly tick: number; readonly next: Next }[] = [];

  add(tick: number, next: Next): void {
    this.#changes.push({ tick, next });
  }

  /** Begins anew: it is one of these. */
  settle(next: ReadonlySet<Next>): void {
    this.#before = next;
    this.#changes = [];
  }

  /** @param stored everything up to this tick is on the disk */
  possible(stored: number): ReadonlySet<Next> {
    const certain = this.#changes.findLastIndex(({ tick }) => tick <= stored);
    const later = this.#changes.slice(Math.max(0, certain)).map(({ next }) => next);
    return new Set(certain < 0 ? [...this.#before, ...later] : later);
  }
}
