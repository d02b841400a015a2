import type { Batch } from './batch.ts';

/**
 * The batches of one stream that are in memory, by sequence number, with holes where the rest is on disk.
 *
 * Invariant: they do not overlap, and `bytes` is the sum of theirs.
 */
export class BatchCache {
  // A deque: batches leave at the front and come at the end; `#head` is the index of the first that is still there.
  #batches: Batch[] = [];
  #head = 0;
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#batches.length - this.#head;
  }

  /** The batch that holds `sequence`, if it is in memory. */
  find(sequence: number): Batch | undefined {
    const batch = this.#batches[this.#indexFrom(sequence)];
    return batch !== undefined && batch.first <= sequence ? batch : undefined;
  }

  /** The first batch in memory that ends at or after `sequence`. */
  ceiling(sequence: number): Batch | undefined {
    return this.#batches[this.#indexFrom(sequence)];
  }

  /** Adds neighbours in order; those that are in memory already are left as they are. */
  insert(batches: readonly Batch[]): void {
    const first = batches[0];
    if (first === undefined) return;
    const last = this.#batches[this.#batches.length - 1];
    if (this.size === 0 || (last !== undefined && last.last < first.first)) {
      for (const batch of batches) this.#batches.push(batch);
      for (const batch of batches) this.#bytes += batch.bytes;
      return;
    }
    this.#insertBetween(batches);
  }

  #insertBetween(batches: readonly Batch[]): void {
    const start = this.#indexFrom(batches[0]!.first);
    const end = this.#indexFrom(batches[batches.length - 1]!.last + 1);
    const there = this.#batches.slice(start, end);
    const known = new Set(there.map((batch) => batch.first));
    const added = batches.filter((batch) => !known.has(batch.first));
    const merged = [...there, ...added].sort((a, b) => a.first - b.first);
    this.#batches = this.#batches.slice(0, start).concat(merged, this.#batches.slice(end));
    for (const batch of added) this.#bytes += batch.bytes;
  }

  /** Drops the batches that lie wholly within `first` to `last`, and tells their bytes. */
  remove(first: number, last: number): number {
    const start = this.#indexFrom(first);
    let from = start;
    if (this.#batches[from] !== undefined && this.#batches[from]!.first < first) from++;
    let end = from;
    let bytes = 0;
    while (end < this.#batches.length && this.#batches[end]!.last <= last) {
      bytes += this.#batches[end]!.bytes;
      end++;
    }
    this.#cut(from, end);
    this.#bytes -= bytes;
    return bytes;
  }

  /**
   * Drops one batch: first those that everyone has read (they end before `readFrom`), then the one that is needed
   * last.
   *
   * @returns its bytes, 0 when the cache is empty
   */
  evict(readFrom: number): number {
    if (this.size === 0) return 0;
    const lowest = this.#batches[this.#head]!;
    const index = lowest.last < readFrom ? this.#head : this.#batches.length - 1;
    const { bytes } = this.#batches[index]!;
    this.#cut(index, index + 1);
    this.#bytes -= bytes;
    return bytes;
  }

  clear(): number {
    const bytes = this.#bytes;
    this.#batches = [];
    this.#head = 0;
    this.#bytes = 0;
    return bytes;
  }

  #cut(from: number, end: number): void {
    if (end === from) return;
    if (from === this.#head) {
      this.#batches.fill(undefined as unknown as Batch, from, end);
      this.#head = end;
      if (this.#head > 1024 && this.#head * 2 > this.#batches.length) {
        this.#batches = this.#batches.slice(this.#head);
        this.#head = 0;
      }
    } else if (end === this.#batches.length) this.#batches.length = from;
    else this.#batches.splice(from, end - from);
  }

  /** The index of the first batch that ends at or after `sequence`. */
  #indexFrom(sequence: number): number {
    let low = this.#head;
    let high = this.#batches.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#batches[middle]!.last < sequence) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
