import type { NumberRanges } from './messages.ts';

/** Collects numbers by publisher; neighbours that come one after the other become one range. */
export class RangeCollector {
  #ranges: Record<string, number[]> = {};

  add(publisher: string, number: number): void {
    this.#ranges[publisher] ??= [];
    const ranges = this.#ranges[publisher];
    if (ranges.length > 0 && ranges.at(-1) === number - 1) ranges[ranges.length - 1] = number;
    else ranges.push(number, number);
  }

  /** What was collected since the last time. */
  take(): NumberRanges {
    const ranges = this.#ranges;
    this.#ranges = {};
    return ranges;
  }
}

/** How often each number of a publisher was met: one byte for each, which stops counting at 255. */
export class NumberCounts {
  #counts = new Uint8Array(1024);
  /** All that were met, repeats included. */
  total = 0;
  /** Those met at least once. */
  distinct = 0;

  /** @param ranges first, last, first, last … */
  add(ranges: readonly number[]): void {
    for (let at = 0; at < ranges.length; at += 2) this.#addRange(ranges[at]!, ranges[at + 1]!);
  }

  has(number: number): boolean {
    return (this.#counts[number] ?? 0) > 0;
  }

  #addRange(first: number, last: number): void {
    if (last >= this.#counts.length) this.#grow(last + 1);
    const counts = this.#counts;
    for (let number = first; number <= last; number++) {
      const count = counts[number]!;
      if (count === 0) this.distinct++;
      if (count < 255) counts[number] = count + 1;
    }
    this.total += last - first + 1;
  }

  #grow(least: number): void {
    const grown = new Uint8Array(Math.max(least, this.#counts.length * 2));
    grown.set(this.#counts);
    this.#counts = grown;
  }
}

export function countOf(ranges: NumberRanges): number {
  let count = 0;
  for (const numbers of Object.values(ranges)) {
    for (let at = 0; at < numbers.length; at += 2) count += numbers[at + 1]! - numbers[at]! + 1;
  }
  return count;
}
