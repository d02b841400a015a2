import type { Place } from '../journal/journal.ts';

/** The bytes of a commit, side by side, to be taken in order. */
export class CommitData {
  readonly #data: Buffer;
  readonly #place: Place;
  #start = 0;

  /** @param place where in the journal they lie */
  constructor(data: Buffer, place: Place) {
    this.#data = data;
    this.#place = place;
  }

  get segment(): number {
    return this.#place.segment;
  }

  /** Where in the segment the next of them lies. */
  get position(): number {
    return this.#place.position + this.#start;
  }

  take(length: number): Buffer {
    const bytes = this.#data.subarray(this.#start, this.#start + length);
    this.#start += length;
    return bytes;
  }

  /** Leaves bytes where they are. @returns their position in the segment */
  pass(length: number): number {
    const { position } = this;
    this.#start += length;
    return position;
  }
}

/** Rows of so many numbers. */
export function rowsOf(numbers: readonly number[] = [], columns: number): number[][] {
  const rows: number[][] = [];
  for (let i = 0; i < numbers.length; i += columns) rows.push(numbers.slice(i, i + columns));
  return rows;
}
