/** The bytes of a commit, side by side, to be taken in order. */
export class CommitData {
  readonly #data: ArrayBuffer;
  #start = 0;

  constructor(data: ArrayBuffer) {
    this.#data = data;
  }

  take(length: number): Buffer {
    const bytes = Buffer.from(this.#data, this.#start, length);
    this.#start += length;
    return bytes;
  }
}

/** Rows of so many numbers. */
export function rowsOf(numbers: readonly number[] = [], columns: number): number[][] {
  const rows: number[][] = [];
  for (let i = 0; i < numbers.length; i += columns) rows.push(numbers.slice(i, i + columns));
  return rows;
}
