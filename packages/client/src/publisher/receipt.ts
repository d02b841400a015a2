import type { ConfirmedStream } from '@simplemq/protocol';

/** What a publish resolves to. */
export interface Receipt {
  /** Each stream that the message reached; empty when a regex bind matched none. */
  readonly streams: readonly StreamReceipt[];
  /** The level that was reached: 'memory', 'fsync' or 'quorum'. */
  readonly durability: string;
}

/** Where a message is on one stream. */
export interface StreamReceipt {
  readonly stream: string;
  /**
   * Its sequence number there. Of a duplicate: that of the message that came first. 0 for a delayed message, which gets
   * its number when it enters the stream.
   */
  readonly sequence: number;
  /** Nothing was stored: a message of the same id is there already. */
  readonly duplicate?: true;
  /** Names a delayed message, for Cursor.cancelDelayed. */
  readonly delayedId?: number;
}

/** Calls `give` with the receipt of each record of a confirmed batch, in their order. */
export function giveReceipts(
  count: number,
  streams: readonly ConfirmedStream[],
  durability: string,
  give: (receipt: Receipt, index: number) => void,
): void {
  const only = streams[0];
  if (streams.length === 1 && only!.duplicates === undefined && only!.delayed === undefined) {
    const { stream, first } = only!;
    for (let i = 0; i < count; i++) give({ streams: [{ stream, sequence: first + i }], durability }, i);
    return;
  }
  const placements = streams.map((confirmed) => new Placement(confirmed));
  for (let i = 0; i < count; i++) {
    give({ streams: placements.map((placement) => placement.next()), durability }, i);
  }
}

/** Goes through the records of a batch on one stream. */
class Placement {
  readonly #stream: string;
  readonly #duplicates: ReadonlyMap<number, number>;
  readonly #delayed: ReadonlyMap<number, number>;
  #index = 0;
  /** What the next record that is neither a duplicate nor delayed has as its sequence number. */
  #sequence: number;

  constructor({ stream, first, duplicates, delayed }: ConfirmedStream) {
    this.#stream = stream;
    this.#sequence = first;
    this.#duplicates = pairs(duplicates);
    this.#delayed = pairs(delayed);
  }

  next(): StreamReceipt {
    const index = this.#index++;
    const stream = this.#stream;
    const original = this.#duplicates.get(index);
    if (original !== undefined) return { stream, sequence: original, duplicate: true };
    const delayedId = this.#delayed.get(index);
    if (delayedId !== undefined) return { stream, sequence: 0, delayedId };
    return { stream, sequence: this.#sequence++ };
  }
}

const NO_PAIRS: ReadonlyMap<number, number> = new Map();

function pairs(flat: readonly number[] | undefined): ReadonlyMap<number, number> {
  if (flat === undefined) return NO_PAIRS;
  const map = new Map<number, number>();
  for (let i = 0; i + 1 < flat.length; i += 2) map.set(flat[i]!, flat[i + 1]!);
  return map;
}
