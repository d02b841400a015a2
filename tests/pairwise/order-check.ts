import { type Entry, keyOf, priorityOf } from './publication.ts';

/** Whether the messages of a lane (and of a key, where the group orders by it) come in their order, the first time. */
export class OrderCheck {
  readonly #isByKey: boolean;
  readonly #highest = new Map<string, number>();

  constructor(isByKey: boolean) {
    this.#isByKey = isByKey;
  }

  /** It was delivered for the first time. @returns what is wrong with that */
  take(entry: Entry): string | undefined {
    const track = this.#isByKey ? `${priorityOf(entry)} ${keyOf(entry)}` : `${priorityOf(entry)}`;
    const highest = this.#highest.get(track) ?? 0;
    if (entry.sequence < highest) return `comes after ${highest}`;
    this.#highest.set(track, entry.sequence);
    return undefined;
  }
}
