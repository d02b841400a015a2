/**
 * Orders all that happens: each thing gets a tick. What was asked for after a thing, and is confirmed, brought that
 * thing to the disk too, since a commit takes along all that has changed.
 */
export class Journal {
  #now = 0;
  #stored = 0;

  tick(): number {
    return ++this.#now;
  }

  /** Everything up to this tick is on the disk. */
  get stored(): number {
    return this.#stored;
  }

  /** What was asked for at this tick is confirmed. */
  confirm(tick: number): void {
    this.#stored = Math.max(this.#stored, tick);
  }
}
