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

  /** The index of a hashed id; -1 when it is not there, or was forgotten. */
  find(hash: Uint32Array): number {
    const slots = this.#slots;
    const mask = slots.length / 2 - 1;
    for (let slot = hash[0]! & mask; ; slot = (slot + 1) & mask) {
      const entry = slots[slot * 2]!;
      if (entry === 0) return -1;
      // One that was forgotten may have been added again, further on.
      const isSame = slots[slot * 2 + 1] === hash[1] && this.#isAt(entry - 1, hash);
      if (isSame && this.#numbers[entry - 1] !== FORGOTTEN) return entry - 1;
    }
  }

  number(index: number): number {
    return this.#numbers[index]!;
  }

  /** From now on the id is not there; its index stays taken. */
  forget(index: number): void {
    this.#numbers[index] = FORGOTTEN;
  }

  /** Adds an id that is not there. */
  add(hash: Uint32Array, number: number): void {
    if (this.#size === this.#numbers.length) this.#growIds();
    const index = this.#size++;
    this.#words.set(hash, index * HASH_WORDS);
    this.#numbers[index] = number;
    if (this.#size > (this.#slots.length / 2) * LOAD_MAX) this.#growSlots();
    else this.#link(index);
  }

  /** The hash of an id. */
  hash(index: number): Uint32Array {
    return this.#words.subarray(index * HASH_WORDS, (index + 1) * HASH_WORDS);
  }

  #isAt(index: number, hash: Uint32Array): boolean {
    const at = index * HASH_WORDS;
    const words = this.#words;
    return words[at] === hash[0] && words[at + 2] === hash[2] && words[at + 3] === hash[3];
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
