import type { Receipt, StreamReceipt } from '@simplemq/client';

/** What went to one stream. */
export class StreamTally {
  readonly stream: string;
  /** All that were confirmed, those included that were delayed or there already. */
  messages = 0;
  duplicates = 0;
  delayed = 0;
  /** The sequence numbers of those that are in the stream by this. */
  readonly sequences: Span = new Span();
  /** The ids of those that enter it later. */
  readonly delayedIds: Span = new Span();

  constructor(stream: string) {
    this.stream = stream;
  }

  add({ sequence, duplicate, delayedId }: StreamReceipt): void {
    this.messages++;
    if (duplicate) {
      this.duplicates++;
    } else if (delayedId !== undefined) {
      this.delayed++;
      this.delayedIds.add(delayedId);
    } else {
      this.sequences.add(sequence);
    }
  }
}

/** The lowest and the highest of some numbers. */
export class Span {
  first: number | undefined;
  last: number | undefined;

  add(value: number): void {
    this.first = Math.min(this.first ?? value, value);
    this.last = Math.max(this.last ?? value, value);
  }
}

/** Adds up receipts. */
export class Tally {
  sent = 0;
  confirmed = 0;
  readonly durabilities: Set<string> = new Set();
  readonly #streams = new Map<string, StreamTally>();

  /** By name. */
  get streams(): readonly StreamTally[] {
    return [...this.#streams.values()].sort((a, b) => (a.stream < b.stream ? -1 : 1));
  }

  add(receipt: Receipt): void {
    this.confirmed++;
    this.durabilities.add(receipt.durability);
    for (const placed of receipt.streams) {
      let tally = this.#streams.get(placed.stream);
      if (tally === undefined) {
        tally = new StreamTally(placed.stream);
        this.#streams.set(placed.stream, tally);
      }
      tally.add(placed);
    }
  }
}
