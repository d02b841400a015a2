import { BATCH_PLAIN, skipRecords } from '@simplemq/protocol';
import { type RecordConditions, readConditions, readKeys } from './record-conditions.ts';

/**
 * A batch of a lane as the broker holds it: its records side by side, never taken apart. Messages `first` to `last`
 * have neighbouring sequence numbers.
 */
export class Batch {
  readonly first: number;
  readonly count: number;
  /** How many messages entered the lane before it. */
  readonly ordinal: number;
  /** When it was taken in, in milliseconds since 1970 UTC. */
  readonly time: number;
  readonly flags: number;
  readonly shared: Buffer;
  readonly records: Buffer;
  // Where the last cut began and ended: followers take a batch front to back, so the next cut starts there.
  #startIndex = 0;
  #startOffset = 0;
  #cutIndex = 0;
  #cutOffset = 0;
  #offsets: Uint32Array | undefined;
  #conditions: RecordConditions | undefined;
  #keys: readonly (string | undefined)[] | undefined;

  constructor(fields: BatchFields) {
    this.first = fields.first;
    this.count = fields.count;
    this.ordinal = fields.ordinal;
    this.time = fields.time;
    this.flags = fields.flags;
    this.shared = fields.shared;
    this.records = fields.records;
  }

  get last(): number {
    return this.first + this.count - 1;
  }

  /** What it has for its followers, in bytes. */
  get bytes(): number {
    return this.records.length + this.shared.length;
  }

  /** Whether no record of it has attributes. */
  get isBare(): boolean {
    return this.flags === BATCH_PLAIN && this.shared.length === 0;
  }

  /** What decides whether its messages may be delivered at all; read on first sight. */
  get conditions(): RecordConditions {
    this.#conditions ??= readConditions(this);
    return this.#conditions;
  }

  /** The key of each message; read on first sight. */
  get keys(): readonly (string | undefined)[] {
    this.#keys ??= readKeys(this);
    return this.#keys;
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
    this.#startIndex = index;
    this.#startOffset = start;
    this.#cutIndex = index + count;
    this.#cutOffset = end;
    return { count, records: this.records.subarray(start, end) };
  }

  /** Makes cuts at any place as quick as cuts in order. */
  expectRandomCuts(): void {
    if (this.#offsets !== undefined) return;
    this.#offsets = new Uint32Array(this.count);
    let offset = 0;
    for (let index = 0; index < this.count; index++) {
      this.#offsets[index] = offset;
      offset = skipRecords(this.records, offset, 1);
    }
  }

  #offsetOf(index: number): number {
    if (index === 0) return 0;
    if (this.#offsets !== undefined) return this.#offsets[index]!;
    if (index === this.#cutIndex) return this.#cutOffset;
    if (index === this.#startIndex) return this.#startOffset;
    return index > this.#cutIndex
      ? skipRecords(this.records, this.#cutOffset, index - this.#cutIndex)
      : skipRecords(this.records, 0, index);
  }
}

export interface BatchFields {
  readonly first: number;
  readonly count: number;
  readonly ordinal: number;
  readonly time: number;
  readonly flags: number;
  readonly shared: Buffer;
  readonly records: Buffer;
}
