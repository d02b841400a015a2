import { IdTable } from './id-table.ts';
import { packIds, unpackIds } from './packed-ids.ts';

/** The window is forgotten in so many steps, so that an id is remembered for at most this share of it longer. */
const GENERATIONS = 4;

/** Ids of one part of the window. */
interface Generation {
  readonly since: number;
  readonly table: IdTable;
  /** The index of the first id that was not sealed yet. */
  sealed: number;
}

/** Ids that go with one transaction. */
export interface SealedIds {
  readonly packed: readonly Uint8Array[];
  /** The transaction was refused: they are not known. */
  forget(): void;
}

/**
 * The message ids of one stream within its window, with the number that each one's message has: its sequence number,
 * or minus the id of a delayed message.
 *
 * Ids are remembered by hashes of 128 bits: for ten million of them the chance that any two that differ look the same
 * is below 10^-24.
 */
export class DedupIds {
  windowMs: number;
  /** Of no meaning; see IdTable.preload. */
  preloaded = 0;
  readonly #idsMax: number;
  #generations: Generation[] = [];

  /** @param idsMax about as many ids as all streams may have, so that no part of a window has too many to be dropped */
  constructor(windowMs: number, idsMax: number) {
    this.windowMs = windowMs;
    this.#idsMax = idsMax;
  }

  get size(): number {
    return this.#generations.reduce((sum, { table }) => sum + table.size, 0);
  }

  /** When the ids of each part of the window came first, by the steady clock; the oldest part comes first. */
  get sinces(): number[] {
    return this.#generations.map(({ since }) => since);
  }

  /** When its oldest ids came; undefined without any. */
  get since(): number | undefined {
    return this.#generations[0]?.since;
  }

  /** Brings to the processor what finding these ids will read. */
  preload(hashes: Uint32Array): void {
    for (const { table } of this.#generations) this.preloaded ^= table.preload(hashes);
  }

  /** The number that the id is known with whose hash is at a word of `hashes`; undefined when it is not known. */
  find(hashes: Uint32Array, at: number): number | undefined {
    for (let i = this.#generations.length - 1; i >= 0; i--) {
      const { table } = this.#generations[i]!;
      const index = table.find(hashes, at);
      if (index >= 0) return table.number(index);
    }
    return undefined;
  }

  /** As find; an id that is not known is remembered with `number`. */
  claim(hashes: Uint32Array, at: number, number: number, now: number): number | undefined {
    const known = this.find(hashes, at);
    if (known === undefined) this.#current(now).table.add(hashes, at, number);
    return known;
  }

  /** What was remembered since it was called last. */
  seal(): SealedIds {
    const parts = this.#generations
      .map((generation) => ({ generation, from: generation.sealed, to: generation.table.size }))
      .filter(({ from, to }) => to > from);
    const packed = parts.map(({ generation, from, to }) => packIds(generation.table, from, to));
    for (const { generation, to } of parts) generation.sealed = to;
    const forget = (): void => {
      for (const { generation, from, to } of parts) {
        for (let index = from; index < to; index++) generation.table.forget(index);
      }
    };
    return { packed, forget };
  }

  /** Loads what one commit stored; to be called in the order of the commits. */
  restore(packed: Uint8Array, time: number): void {
    const generation = this.#current(time);
    unpackIds(packed, generation.table);
    generation.sealed = generation.table.size;
  }

  /** Forgets what the window has passed. @returns whether there was any */
  expire(now: number): boolean {
    let isAny = false;
    for (let oldest = this.#generations[0]; oldest !== undefined; oldest = this.#generations[0]) {
      // A generation ends where the next begins, or may begin.
      const end = this.#generations[1]?.since ?? oldest.since + this.windowMs / GENERATIONS;
      if (end > now - this.windowMs) break;
      this.#generations.shift();
      isAny = true;
    }
    return isAny;
  }

  /**
   * Forgets the oldest part of the window.
   *
   * @param withUnsealed also when it has ids that were not sealed yet, whose messages wait for their commit
   * @returns how many ids that was
   */
  dropOldest(withUnsealed: boolean): number {
    const oldest = this.#generations[0];
    if (oldest === undefined) return 0;
    if (!withUnsealed && oldest.sealed < oldest.table.size) return 0;
    this.#generations.shift();
    return oldest.table.size;
  }

  #current(now: number): Generation {
    const last = this.#generations[this.#generations.length - 1];
    if (last !== undefined) {
      const isFresh = now - last.since < this.windowMs / GENERATIONS;
      if (isFresh && last.table.size < this.#idsMax / GENERATIONS) return last;
    }
    // As many as the last, so that it need not grow, which would hold up everybody.
    const generation = { since: now, table: new IdTable(last?.table.size), sealed: 0 };
    this.#generations.push(generation);
    return generation;
  }
}
