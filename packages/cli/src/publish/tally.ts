import type { Receipt } from '@simplemq/client';

export interface StreamTally {
  readonly stream: string;
  messages: number;
  firstSequence: number;
  lastSequence: number;
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
    for (const { stream, sequence } of receipt.streams) {
      const known = this.#streams.get(stream);
      if (known === undefined) {
        this.#streams.set(stream, { stream, messages: 1, firstSequence: sequence, lastSequence: sequence });
        continue;
      }
      known.messages++;
      known.firstSequence = Math.min(known.firstSequence, sequence);
      known.lastSequence = Math.max(known.lastSequence, sequence);
    }
  }
}
