import type { StoredDedup } from '../store/store.ts';
import type { Stream } from '../stream/stream.ts';
import { DedupIds } from './dedup-ids.ts';
import { packedCount } from './packed-ids.ts';

/** The size is looked at after so many claims. */
const CLAIMS_PER_LOOK = 4_096;
/** While what was stored is loaded there may be so many times as many ids as there are to be. */
const RESTORED_FACTOR = 1.25;
/** Past so many times as many as there are to be also ids go whose messages wait for their commit. */
const WAITING_FACTOR = 2;

/**
 * The message ids of all streams.
 *
 * Invariant: no more than about `idsMax` ids are remembered: past that the oldest go, although their window is not over.
 */
export class Dedup {
  readonly #idsMax: number;
  readonly #streams = new Map<Stream, DedupIds>();
  /** Those that lost ids since that was asked for. */
  readonly #poorer = new Set<Stream>();
  #claims = 0;

  constructor(idsMax: number) {
    this.#idsMax = idsMax;
  }

  /**
   * Loads what was stored, of each stream oldest first.
   *
   * @param now by the steady clock
   */
  restore(stored: readonly StoredDedup[], streamOf: (id: number) => Stream | undefined, now: number): void {
    let size = 0;
    for (const { streamId, time, ids } of stored) {
      const stream = streamOf(streamId);
      if (stream === undefined) continue;
      this.#known(stream).restore(ids, time);
      size += packedCount(ids);
      if (size > this.#idsMax * RESTORED_FACTOR) size = this.#forget(now);
    }
    this.#forget(now);
  }

  /**
   * The ids of a stream, without those whose window is over.
   *
   * @param now by the steady clock
   */
  of(stream: Stream, now: number): DedupIds {
    const ids = this.#known(stream);
    if (ids.expire(now)) this.#poorer.add(stream);
    return ids;
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
    this.#poorer.delete(stream);
  }

  /**
   * Forgets what windows have passed.
   *
   * @returns for each stream that lost ids since the last call, for whatever reason, the time before which all are
   *   forgotten
   */
  expire(now: number): { stream: Stream; before: number }[] {
    this.#forgetExpired(now);
    const expired = [...this.#poorer].map((stream) => {
      return { stream, before: this.#streams.get(stream)?.since ?? now };
    });
    this.#poorer.clear();
    for (const [stream, ids] of this.#streams) if (ids.size === 0) this.#streams.delete(stream);
    return expired;
  }

  #forget(now: number): number {
    this.#forgetExpired(now);
    return this.#keepToMax();
  }

  #forgetExpired(now: number): void {
    for (const stream of this.#streams.keys()) this.of(stream, now);
  }

  #known(stream: Stream): DedupIds {
    let ids = this.#streams.get(stream);
    if (ids === undefined) {
      ids = new DedupIds(stream.settings.dedupWindowMs, this.#idsMax);
      this.#streams.set(stream, ids);
    }
    return ids;
  }

  /** @returns how many there are then */
  #keepToMax(): number {
    let size = 0;
    for (const ids of this.#streams.values()) size += ids.size;
    if (size <= this.#idsMax) return size;
    const parts = [...this.#streams].flatMap(([stream, ids]) =>
      ids.sinces.map((since) => ({ stream, ids, since })),
    );
    parts.sort((a, b) => a.since - b.since);
    for (const { stream, ids } of parts) {
      if (size <= this.#idsMax) break;
      const dropped = ids.dropOldest(size > this.#idsMax * WAITING_FACTOR);
      if (dropped === 0) continue;
      size -= dropped;
      this.#poorer.add(stream);
    }
    return size;
  }
}
