/** A cache that can be asked to drop something. */
export interface Evictable {
  /** Drops what is needed last and tells its bytes; 0 when there is nothing. */
  evict(): number;
}

/**
 * The byte cap that the caches of all streams share.
 *
 * Invariant: room is made before something is added, so what was just read is there to be delivered at least once,
 * however small the cap.
 */
export class CacheBudget {
  readonly bytesMax: number;
  #bytes = 0;
  // The caches that hold something; the one that was added to longest ago comes first.
  readonly #caches = new Set<Evictable>();

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  add(cache: Evictable, bytes: number): void {
    while (this.#bytes + bytes > this.bytesMax && this.#evictOne()) {}
    this.#bytes += bytes;
    this.#caches.delete(cache);
    this.#caches.add(cache);
  }

  remove(cache: Evictable, bytes: number, isEmpty: boolean): void {
    this.#bytes -= bytes;
    if (isEmpty) this.#caches.delete(cache);
  }

  #evictOne(): boolean {
    for (const cache of this.#caches) {
      const bytes = cache.evict();
      if (bytes > 0) {
        this.#bytes -= bytes;
        return true;
      }
      this.#caches.delete(cache);
    }
    return false;
  }
}
