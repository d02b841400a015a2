import { skipRecords } from '@simplemq/protocol';

/**
 * A batch of a stream as the broker holds it: its records side by side, never taken apart. Messages `first` to `last`
 * have neighbouring sequence numbers.
 */
export class Batch {
  readonly first: number;
  readonly count: number;
  /** When it was taken in, in milliseconds since 1970 UTC. */
  readonly time: number;
  readonly flags: number;
  readonly shared: Buffer;
  readonly records: Buffer;
  // Where the last cut ended: followers take a batch front to back, so the next cut starts there.
  #cutIndex = 0;
  #cutOffset = 0;

  constructor(fields: BatchFields) {
    this.first = fields.first;
    this.count = fields.count;
    this.time = fields.time;
    this.flags = fields.flags;
    this.shared = fields.shared;
    this.records = fields.records;
  }

  get last(): number {
    return this.first + this.count - 1;
  }

  /** What it takes in memory, in bytes. */
  get bytes(): number {
    return this.records.length + this.shared.length;
  }

  /**
   * The records from sequence number `first` on: as many as fit `countMax` and `bytesMax`, and one at least.
   */
  cut(first: number, countMax: number, bytesMax: number): { count: number; records: Buffer } {
    const index = first - this.first;
    const start = this.#offsetOf(index);
    const rest = this.count - index;
    if (rest <= countMax && this.records.length - start <= bytesMax) {
      return { count: rest, records: start === 0 ? this.records : this.records.subarray(start) };
    }
    const wanted = Math.min(rest, countMax);
    let count = 1;
    let end = skipRecords(this.records, start, 1);
    while (count < wanted) {
      const next = skipRecords(this.records, end, 1);
      if (next - start > bytesMax) break;
      end = next;
      count++;
    }
    this.#cutIndex = index + count;
    this.#cutOffset = end;
    return { count, records: this.records.subarray(start, end) };
  }

  #offsetOf(index: number): number {
    if (index === 0) return 0;
    if (index === this.#cutIndex) return this.#cutOffset;
    return index > this.#cutIndex
      ? skipRecords(this.records, this.#cutOffset, index - this.#cutIndex)
      : skipRecords(this.records, 0, index);
  }
}

export interface BatchFields {
  readonly first: number;
  readonly count: number;
  readonly time: number;
  readonly flags: number;
  readonly shared: Buffer;
  readonly records: Buffer;
}
