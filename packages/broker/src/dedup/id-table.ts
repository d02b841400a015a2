import { HASH_WORDS } from './id-hash.ts';

const IDS_MIN = 256;
/** The number of an id that was taken back; no message has it. */
const FORGOTTEN = 0;
/** How full the hash table may be. */
const LOAD_MAX = 0.6;

/**
 * Hashed ids with a number for each, in the order in which they came, and an open-addressed hash table over them: 24
 * bytes an id, and 13 to 27 of the table. A slot has a word of the hash beside the index, so that an id that is not
 * there is known by one place in memory.
 */
export class IdTable {
  #words: Uint32Array;
  #numbers: Float64Array;
  /** Pairs: 0 for a free slot, or one more than the index of an id; and the second word of its hash. */
  #slots: Uint32Array;
  #size = 0;

  /** @param expected as many ids as it begins with room for; it grows past them */
  constructor(expected: number = IDS_MIN) {
    const ids = Math.max(IDS_MIN, expected);
    this.#words = new Uint32Array(ids * HASH_WORDS);
    this.#numbers = new Float64Array(ids);
    this.#slots = new Uint32Array(2 * 2 ** Math.ceil(Math.log2(ids / LOAD_MAX)));
  }

  get size(): number {
    return this.#size;
  }

  /** The index of the id whose hash is at a word of `hashes`; -1 when it is not there, or was forgotten. */
  find(hashes: Uint32Array, at: number): number {
    const slots = this.#slots;
    const mask = slots.length / 2 - 1;
    const second = hashes[at + 1]!;
    for (let slot = hashes[at]! & mask; ; slot = (slot + 1) & mask) {
      const entry = slots[slot * 2]!;
      if (entry === 0) return -1;
      // One that was forgotten may have been added again, further on.
      const isSame = slots[slot * 2 + 1] === second && this.#isAt(entry - 1, hashes, at);
      if (isSame && this.#numbers[entry - 1] !== FORGOTTEN) return entry - 1;
    }
  }

  /**
   * Reads the slots where ids will be looked for. They lie anywhere in a table that no cache holds, and a loop that does
   * nothing else has many reads under way at once, where finds one after the other each wait for the memory.
   *
   * @returns a number made of them, so that no compiler leaves the reads out
   */
  preload(hashes: Uint32Array): number {
    const slots = this.#slots;
    const mask = slots.length / 2 - 1;
    let all = 0;
    for (let at = 0; at < hashes.length; at += HASH_WORDS) all ^= slots[(hashes[at]! & mask) * 2]!;
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
    if (this.#size > (this.#slots.length / 2) * LOAD_MAX) this.#growSlots();
    else this.#link(index);
  }

  /** One of the HASH_WORDS words of an id's hash. */
  hashWord(index: number, word: number): number {
    return this.#words[index * HASH_WORDS + word]!;
  }

  /** Whether all but the second word, which the slot has, are the same. */
  #isAt(index: number, hashes: Uint32Array, at: number): boolean {
    const own = index * HASH_WORDS;
    const words = this.#words;
    return (
      words[own] === hashes[at] && words[own + 2] === hashes[at + 2] && words[own + 3] === hashes[at + 3]
    );
  }

  #link(index: number): void {
    const slots = this.#slots;
    const mask = slots.length / 2 - 1;
    let slot = this.#words[index * HASH_WORDS]! & mask;
    while (slots[slot * 2] !== 0) slot = (slot + 1) & mask;
    slots[slot * 2] = index + 1;
    slots[slot * 2 + 1] = this.#words[index * HASH_WORDS + 1]!;
  }

  #growIds(): void {
    const size = Math.ceil(this.#numbers.length * 1.5);
    const words = new Uint32Array(size * HASH_WORDS);
    words.set(this.#words);
    this.#words = words;
    const numbers = new Float64Array(size);
    numbers.set(this.#numbers);
    this.#numbers = numbers;
  }

  #growSlots(): void {
    this.#slots = new Uint32Array(this.#slots.length * 2);
    for (let index = 0; index < this.#size; index++) this.#link(index);
  }
}
