import type { NumberRanges } from './messages.ts';
import { NumberCounts } from './number-ranges.ts';

/** What the readers of one set of streams did with each line: the proof, kept apart from the broker's own word. */
export class Books {
  readonly #handled = new Map<string, NumberCounts>();
  readonly #acked = new Map<string, NumberCounts>();

  enter(handled: NumberRanges, acked: NumberRanges): void {
    enterAll(this.#handled, handled);
    enterAll(this.#acked, acked);
  }

  /** @param confirmed how many lines of each publisher the broker confirmed; they are numbered from 1 */
  close(confirmed: ReadonlyMap<string, number>): Account {
    const account = { lost: 0, distinct: 0, duplicates: 0, acked: 0, ackedTwice: 0, unheardAcks: 0 };
    for (const [publisher, last] of confirmed) {
      const handled = this.#handled.get(publisher) ?? new NumberCounts();
      const acked = this.#acked.get(publisher) ?? new NumberCounts();
      for (let number = 1; number <= last; number++) {
        if (!handled.has(number)) account.lost++;
        else if (!acked.has(number)) account.unheardAcks++;
      }
      account.distinct += handled.distinct;
      account.duplicates += handled.total - handled.distinct;
      account.acked += acked.distinct;
      account.ackedTwice += acked.total - acked.distinct;
    }
    return account;
  }
}

export interface Account {
  /** Lines that were confirmed to the publisher and that no reader ever handled. */
  readonly lost: number;
  /** Lines that were handled at least once. */
  readonly distinct: number;
  /** Handlings of a line beyond its first. */
  readonly duplicates: number;
  /** Lines of which a reader was told that the broker has the ack. */
  readonly acked: number;
  /** Lines that came again although their ack was confirmed. */
  readonly ackedTwice: number;
  /** Lines that were handled and whose ack was never answered, or was refused. */
  readonly unheardAcks: number;
}

function enterAll(counts: Map<string, NumberCounts>, ranges: NumberRanges): void {
  for (const [publisher, numbers] of Object.entries(ranges)) {
    let count = counts.get(publisher);
    if (count === undefined) {
      count = new NumberCounts();
      counts.set(publisher, count);
    }
    count.add(numbers);
  }
}
