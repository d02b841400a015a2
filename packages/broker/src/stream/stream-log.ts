import type { Store } from '../store/store.ts';
import type { Batch } from './batch.ts';
import { BatchCache } from './batch-cache.ts';
import type { CacheBudget, Evictable } from './cache-budget.ts';

/** How much one read from the store brings, in bytes: enough to hide the next read behind its delivery. */
const READ_RUN_BYTES = 2 * 1024 * 1024;
/** As many batches of a read take about as much again, however small they are. */
const READ_RUN_BATCHES = 4_096;
/** What a batch takes in memory besides its bytes: the objects that hold it, and memory of its own; measured. */
export const BATCH_OVERHEAD_BYTES = 640;

export interface StreamLogOptions {
  readonly streamId: number;
  readonly lane: number;
  /** Absent for a memory stream: its batches are pinned in memory until they are removed. */
  readonly store?: Store;
  readonly budget: CacheBudget;
  /** Every group has read what comes before it. */
  readonly readFrom: () => number;
}

/** The batches of one lane of a stream, wherever they are: recent ones in memory, older ones in the store. */
export class StreamLog implements Evictable {
  readonly #options: StreamLogOptions;
  readonly #cache = new BatchCache();
  // What a read that began before a removal brings is not to be kept.
  #removedThrough = 0;

  constructor(options: StreamLogOptions) {
    this.#options = options;
  }

  /** Whether all there is is in memory. */
  get isPinned(): boolean {
    return this.#options.store === undefined;
  }

  get cachedBytes(): number {
    return this.#cache.bytes;
  }

  /** Adds batches that have become durable, in order. */
  append(batch: Batch): void {
    this.#keep([batch]);
  }

  /** The batch that holds `sequence`, if it is in memory. */
  find(sequence: number): Batch | undefined {
    return this.#cache.find(sequence);
  }

  /** The first batch in memory at or after `sequence`; for a pinned log, the first that there is. */
  ceiling(sequence: number): Batch | undefined {
    return this.#cache.ceiling(sequence);
  }

  /**
   * Brings a run of batches into memory: the one that holds `from`, or else the first after it, and some that follow.
   *
   * @returns the run; empty when the stream has nothing from there on
   */
  async load(from: number): Promise<Batch[]> {
    const { store, streamId, lane } = this.#options;
    if (store === undefined) return [];
    const run = await store.read({
      streamId,
      lane,
      from,
      bytesMax: READ_RUN_BYTES,
      batchesMax: READ_RUN_BATCHES,
    });
    this.#keep(run.filter((batch) => batch.last > this.#removedThrough));
    return run;
  }

  /** The batch that holds `from`, or the first after it, without keeping it in memory. */
  async peek(from: number): Promise<Batch | undefined> {
    const { store, streamId, lane } = this.#options;
    const known = this.#cache.find(from) ?? (store === undefined ? this.#cache.ceiling(from) : undefined);
    if (known !== undefined || store === undefined) return known;
    const [batch] = await store.read({ streamId, lane, from, bytesMax: 1 });
    return batch;
  }

  /** A run of batches from the one that holds `from` on, without keeping them in memory. */
  async read(from: number, bytesMax: number): Promise<Batch[]> {
    const { store, streamId, lane } = this.#options;
    if (store !== undefined) return store.read({ streamId, lane, from, bytesMax });
    const run: Batch[] = [];
    let bytes = 0;
    let batch = this.#cache.ceiling(from);
    while (batch !== undefined && bytes < bytesMax) {
      run.push(batch);
      bytes += batch.bytes;
      batch = this.#cache.ceiling(batch.last + 1);
    }
    return run;
  }

  /** Forgets the batches that lie wholly within the range; tells the bytes that were in memory. */
  remove(first: number, last: number): number {
    const before = this.#cache.size;
    const bytes = this.#cache.remove(first, last);
    const { size } = this.#cache;
    if (!this.isPinned && size < before) {
      this.#options.budget.remove(this, bytes + (before - size) * BATCH_OVERHEAD_BYTES, size === 0);
    }
    return bytes;
  }

  /** Forgets everything up to `last`, also what is being read just now. */
  removeThrough(last: number): number {
    this.#removedThrough = Math.max(this.#removedThrough, last);
    return this.remove(1, last);
  }

  evict(): number {
    const bytes = this.#cache.evict(this.#options.readFrom());
    return bytes === 0 ? 0 : bytes + BATCH_OVERHEAD_BYTES;
  }

  #keep(batches: Batch[]): void {
    if (!this.isPinned) {
      const fresh = batches.filter((batch) => this.#cache.find(batch.first) === undefined);
      if (fresh.length === 0) return;
      this.#options.budget.add(
        this,
        fresh.reduce((bytes, batch) => bytes + batch.bytes + BATCH_OVERHEAD_BYTES, 0),
      );
      // Making room may have dropped neighbours, never what comes in: it is inserted now.
      this.#cache.insert(fresh);
    } else this.#cache.insert(batches);
  }
}
