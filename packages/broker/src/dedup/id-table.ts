import { HASH_WORDS } from './id-hash.ts';

/** Few, as streams with an id now and then may be many. */
const IDS_MIN = 8;
/** Below so many ids a table that grows has four times the room then, so that it seldom does. */
const SMALL_IDS = 256;
/** The number of an id that was taken back; no message has it. */
const FORGOTTEN = 0;
/** How full the hash table may be. */
const LOAD_MAX = 0.6;

/** A slot that no id has. */
const FREE = 0;

/**
 * Hashed ids with a number for each, in the order in which they came, and an open-addressed hash table over them: 24
 * bytes an id, and 8 to 17 of the table. A byte of the hash stands for each slot, side by side with those of its
 * neighbours, so that an id that is not there is known by one place in a few megabytes of memory, which caches hold.
 */
export class IdTable {
  #words: Uint32Array;
  #numbers: Float64Array;
  /** For each slot FREE, or a byte of the hash of its id. */
  #tags: Uint8Array;
  /** For each slot that is not free the index of its id. */
  #slots: Uint32Array;
  #size = 0;

  /** @param expected as many ids as it begins with room for; it grows past them */
  constructor(expected: number = IDS_MIN) {
    const ids = Math.max(IDS_MIN, expected);
    const slots = 2 ** Math.ceil(Math.log2(ids / LOAD_MAX));
    this.#words = new Uint32Array(ids * HASH_WORDS);
    this.#numbers = new Float64Array(ids);
    this.#tags = new Uint8Array(slots);
    this.#slots = new Uint32Array(slots);
  }

  get size(): number {
    return this.#size;
  }

  /** The index of the id whose hash is at a word of `hashes`; -1 when it is not there, or was forgotten. */
  find(hashes: Uint32Array, at: number): number {
    const tags = this.#tags;
    const mask = tags.length - 1;
    const tag = tagOf(hashes[at + 1]!);
    for (let slot = hashes[at]! & mask; ; slot = (slot + 1) & mask) {
      const found = tags[slot];
      if (found === FREE) return -1;
      if (found !== tag) continue;
      const index = this.#slots[slot]!;
      // One that was forgotten may have been added again, further on.
      if (this.#isAt(index, hashes, at) && this.#numbers[index] !== FORGOTTEN) return index;
    }
  }

  /**
   * Reads the tags where ids will be looked for. They lie anywhere in the table, and a loop that does nothing else has
   * many reads under way at once, where finds one after the other each wait for the memory.
   *
   * @returns a number made of them, so that no compiler leaves the reads out
   */
  preload(hashes: Uint32Array): number {
    const tags = this.#tags;
    const mask = tags.length - 1;
    let all = 0;
    for (let at = 0; at < hashes.length; at += HASH_WORDS) all ^= tags[hashes[at]! & mask]!;
    return all;
  }

  number(index: number): number {
    return this.#numbers[index]!;
  }

  /** From now on the id is not there; its index stays taken. */
  forget(index: number): void {
    this.#numbers[index] = FORGOTTEN;
  }

  /** Adds an id that is not there. */
  add(hashes: Uint32Array, at: number, number: number): void {
    if (this.#size === this.#numbers.length) this.#growIds();
    const index = this.#size++;
    const words = this.#words;
    for (let word = 0; word < HASH_WORDS; word++) words[index * HASH_WORDS + word] = hashes[at + word]!;
    this.#numbers[index] = number;
    if (this.#size > this.#slots.length * LOAD_MAX) this.#growSlots();
    else this.#link(index);
  }

  /** One of the HASH_WORDS words of an id's hash. */
  hashWord(index: number, word: number): number {
    return this.#words[index * HASH_WORDS + word]!;
  }

  #isAt(index: number, hashes: Uint32Array, at: number): boolean {
    const own = index * HASH_WORDS;
    const words = this.#words;
    return (
      words[own] === hashes[at] &&
      words[own + 1] === hashes[at + 1] &&
      words[own + 2] === hashes[at + 2] &&
      words[own + 3] === hashes[at + 3]
    );
  }

  #link(index: number): void {
    const tags = this.#tags;
    const mask = tags.length - 1;
    let slot = this.#words[index * HASH_WORDS]! & mask;
    while (tags[slot] !== FREE) slot = (slot + 1) & mask;
    tags[slot] = tagOf(this.#words[index * HASH_WORDS + 1]!);
    this.#slots[slot] = index;
  }

  #growIds(): void {
    const { length } = this.#numbers;
    const size = Math.ceil(length * (length < SMALL_IDS ? 4 : 1.5));
    const words = new Uint32Array(size * HASH_WORDS);
    words.set(this.#words);
    this.#words = words;
    const numbers = new Float64Array(size);
    numbers.set(this.#numbers);
    this.#numbers = numbers;
  }

  #growSlots(): void {
    const { length } = this.#slots;
    const slots = length * (length < SMALL_IDS ? 4 : 2);
    this.#tags = new Uint8Array(slots);
    this.#slots = new Uint32Array(slots);
    for (let index = 0; index < this.#size; index++) this.#link(index);
  }
}

/** A byte of a word that is not FREE. */
function tagOf(word: number): number {
  return word >>> 24 === FREE ? 1 : word >>> 24;
}
