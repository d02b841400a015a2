import type { StoredDedup } from '../store/store.ts';
import type { Stream } from '../stream/stream.ts';
import { DedupIds } from './dedup-ids.ts';

/** The size is looked at after so many claims. */
const CLAIMS_PER_LOOK = 4_096;

/**
 * The message ids of all streams.
 *
 * Invariant: no more than about `idsMax` ids are remembered: past that the oldest go, although their window is not over.
 */
export class Dedup {
  readonly #idsMax: number;
  readonly #streams = new Map<Stream, DedupIds>();
  #claims = 0;

  constructor(idsMax: number) {
    this.#idsMax = idsMax;
  }

  /** Loads what was stored, oldest first. */
  restore(stored: readonly StoredDedup[], streamOf: (id: number) => Stream | undefined): void {
    for (const { streamId, time, ids } of stored) {
      const stream = streamOf(streamId);
      if (stream !== undefined) this.of(stream).restore(ids, time);
    }
  }

  of(stream: Stream): DedupIds {
    let ids = this.#streams.get(stream);
    if (ids === undefined) {
      ids = new DedupIds(stream.settings.dedupWindowMs, this.#idsMax);
      this.#streams.set(stream, ids);
    }
    return ids;
  }

  /** As DedupIds.find. */
  find(stream: Stream, hashes: Uint32Array, at: number): number | undefined {
    return this.#streams.get(stream)?.find(hashes, at);
  }

  /** As DedupIds.claim. */
  claim(ids: DedupIds, hashes: Uint32Array, at: number, number: number, now: number): number | undefined {
    if (++this.#claims % CLAIMS_PER_LOOK === 0) this.#keepToMax();
    return ids.claim(hashes, at, number, now);
  }

  /** The window of a stream is another now. */
  settingsChanged(stream: Stream): void {
    const ids = this.#streams.get(stream);
    if (ids !== undefined) ids.windowMs = stream.settings.dedupWindowMs;
  }

  removed(stream: Stream): void {
    this.#streams.delete(stream);
  }

  /** Forgets what windows have passed. @returns for each stream that lost some the time before which all is forgotten */
  expire(now: number): { stream: Stream; before: number }[] {
    const expired: { stream: Stream; before: number }[] = [];
    for (const [stream, ids] of this.#streams) {
      if (ids.expire(now)) expired.push({ stream, before: ids.since ?? now });
      if (ids.size === 0) this.#streams.delete(stream);
    }
    return expired;
  }

  #keepToMax(): void {
    let size = 0;
    for (const ids of this.#streams.values()) size += ids.size;
    while (size > this.#idsMax) {
      let oldest: DedupIds | undefined;
      for (const ids of this.#streams.values()) {
        if (
          oldest === undefined ||
          (ids.since ?? Number.POSITIVE_INFINITY) < (oldest.since ?? Number.POSITIVE_INFINITY)
        )
          oldest = ids;
      }
      const dropped = oldest?.dropOldest() ?? 0;
      if (dropped === 0) return;
      size -= dropped;
    }
  }
}
