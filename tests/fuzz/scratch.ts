import type { Random } from './random.ts';

const COPIED_BYTES_MAX = 64;

/** One input after the other in the same bytes, changed where they lie: nothing is allocated for any of them. */
export class Scratch {
  readonly #bytes: Buffer;
  /** A view of each length, made when it is first used. */
  readonly #views: (Buffer | undefined)[];
  #length = 0;

  constructor(bytesMax: number) {
    this.#bytes = Buffer.alloc(bytesMax);
    this.#views = new Array(bytesMax + 1);
  }

  get input(): Buffer {
    this.#views[this.#length] ??= this.#bytes.subarray(0, this.#length);
    return this.#views[this.#length]!;
  }

  load(bytes: Uint8Array): void {
    this.#length = Math.min(bytes.length, this.#bytes.length);
    this.#bytes.set(this.#length === bytes.length ? bytes : bytes.subarray(0, this.#length));
  }

  loadText(text: string): void {
    this.#length = this.#bytes.write(text);
  }

  /** Makes one to four changes. */
  mutate(random: Random, others: readonly Buffer[], pieces: readonly Buffer[]): void {
    for (let changes = 1 + random.below(4); changes > 0; changes--) this.#change(random, others, pieces);
  }

  #change(random: Random, others: readonly Buffer[], pieces: readonly Buffer[]): void {
    const at = random.below(this.#length + 1);
    switch (random.below(9)) {
      case 0:
        if (at < this.#length) this.#bytes[at]! ^= 1 << random.below(8);
        return;
      case 1:
        if (at < this.#length) this.#bytes[at] = random.below(256);
        return;
      case 2: // A little more or less than it was: lengths and counts.
        if (at < this.#length) this.#bytes[at]! += random.below(9) - 4;
        return;
      case 3:
        this.#length = at;
        return;
      case 4:
        this.#move(Math.min(at + 1 + random.below(12), this.#length), at);
        return;
      case 5:
        this.#insert(at, random.pick(pieces), 0);
        return;
      case 6:
        this.#overwrite(at, random.pick(pieces));
        return;
      case 7: {
        const length = Math.min(1 + random.below(COPIED_BYTES_MAX), this.#length - at);
        this.#move(at, Math.min(at + length, this.#bytes.length));
        return;
      }
      default: {
        const other = random.pick(others);
        this.#length = at;
        this.#insert(at, other, random.below(other.length + 1));
      }
    }
  }

  /** What begins at `from` begins at `to`, as far as there is room; what lies between is left out, or there twice. */
  #move(from: number, to: number): void {
    const length = Math.min(this.#length - from, this.#bytes.length - to);
    this.#bytes.copyWithin(to, from, from + length);
    this.#length = to + length;
  }

  #insert(at: number, piece: Buffer, from: number): void {
    const length = Math.min(piece.length - from, this.#bytes.length - at);
    this.#move(at, at + length);
    piece.copy(this.#bytes, at, from, from + length);
  }

  #overwrite(at: number, piece: Buffer): void {
    const length = Math.min(piece.length, this.#bytes.length - at);
    piece.copy(this.#bytes, at, 0, length);
    this.#length = Math.max(this.#length, at + length);
  }
}
