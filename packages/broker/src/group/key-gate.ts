import type { Span } from './entry.ts';

/** A message that waits for its key, and the number of its lane. */
export interface ParkedMessage {
  readonly lane: number;
  readonly sequence: number;
}

interface KeyState {
  readonly key: string;
  /** Messages of the key that were let through and are not done. */
  busy: number;
  /** Those that wait, in the order in which they came. */
  parked: ParkedMessage[];
  /** The index of the first that still waits. */
  head: number;
  /** How many from there on were removed: they are passed over. */
  removed: number;
}

/**
 * How many messages of one key may be on their way at a time; with a limit of one, messages of a key are delivered in
 * their order.
 *
 * Invariant: a message holds a place of its key from its first delivery until it is done, redeliveries included; while
 * the places of a key are taken its other messages wait, and get a freed place in the order in which they came.
 */
export class KeyGate {
  readonly #limit: number;
  readonly #states = new Map<string, KeyState>();
  /** Who holds a place, by sequence number. */
  readonly #holders = new Map<number, KeyState>();
  /** Who waits for one, by sequence number. */
  readonly #waiting = new Map<number, KeyState>();
  // No sequence number below it holds or waits.
  #lowest = Number.POSITIVE_INFINITY;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Messages that wait for their key. */
  get parked(): number {
    return this.#waiting.size;
  }

  /** Whether a message of the key would have to wait. */
  isShut(key: string): boolean {
    const state = this.#states.get(key);
    return state !== undefined && state.busy >= this.#limit;
  }

  /** Takes a place, which there must be. */
  enter(key: string, sequence: number): void {
    let state = this.#states.get(key);
    if (state === undefined) {
      state = { key, busy: 0, parked: [], head: 0, removed: 0 };
      this.#states.set(key, state);
    }
    state.busy++;
    this.#holders.set(sequence, state);
    if (sequence < this.#lowest) this.#lowest = sequence;
  }

  park(key: string, message: ParkedMessage): void {
    const state = this.#states.get(key)!;
    state.parked.push(message);
    this.#waiting.set(message.sequence, state);
    if (message.sequence < this.#lowest) this.#lowest = message.sequence;
  }

  /**
   * A message is done: its place is free.
   *
   * @returns the message that has it now, and may be delivered
   */
  leave(sequence: number): ParkedMessage | undefined {
    const state = this.#holders.get(sequence);
    if (state === undefined) return undefined;
    this.#holders.delete(sequence);
    const next = this.#takeParked(state);
    if (next !== undefined) {
      this.#holders.set(next.sequence, state);
      return next;
    }
    if (--state.busy === 0) this.#states.delete(state.key);
    return undefined;
  }

  /** Messages within the span are gone; those that get a freed place are told to `onReady`. */
  remove(span: Span, onReady: (message: ParkedMessage) => void): void {
    const gone = { first: Math.max(span.first, this.#lowest), last: span.last };
    // First those that wait, so that none of them gets a place.
    for (const sequence of within(this.#waiting, gone)) this.#forget(sequence);
    for (const sequence of within(this.#holders, gone)) {
      const next = this.leave(sequence);
      if (next !== undefined) onReady(next);
    }
    if (span.first <= this.#lowest) this.#lowest = Math.max(this.#lowest, span.last + 1);
  }

  #forget(sequence: number): void {
    const state = this.#waiting.get(sequence)!;
    this.#waiting.delete(sequence);
    state.removed++;
    if (state.removed * 2 <= state.parked.length - state.head) return;
    // As many are looked at as were removed, about.
    state.parked = state.parked.slice(state.head).filter((message) => this.#waiting.has(message.sequence));
    state.head = 0;
    state.removed = 0;
  }

  #takeParked(state: KeyState): ParkedMessage | undefined {
    while (state.head < state.parked.length) {
      const message = state.parked[state.head]!;
      state.head++;
      if (state.head === state.parked.length || state.head > 1_024) {
        state.parked.splice(0, state.head);
        state.head = 0;
      }
      if (this.#waiting.delete(message.sequence)) return message;
      state.removed--;
    }
    return undefined;
  }
}

/** Those of the sequence numbers that are within the span, by whichever way has less to look at. */
function within(sequences: ReadonlyMap<number, unknown>, { first, last }: Span): number[] {
  const found: number[] = [];
  if (last - first < sequences.size) {
    for (let at = first; at <= last; at++) if (sequences.has(at)) found.push(at);
  } else for (const at of sequences.keys()) if (first <= at && at <= last) found.push(at);
  return found;
}
