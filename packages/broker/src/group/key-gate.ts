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
  readonly parked: ParkedMessage[];
  /** The index of the first that still waits. */
  head: number;
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
  #parked = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Messages that wait for their key. */
  get parked(): number {
    return this.#parked;
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
      state = { key, busy: 0, parked: [], head: 0 };
      this.#states.set(key, state);
    }
    state.busy++;
    this.#holders.set(sequence, state);
  }

  park(key: string, message: ParkedMessage): void {
    this.#states.get(key)!.parked.push(message);
    this.#parked++;
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
  remove({ first, last }: Span, onReady: (message: ParkedMessage) => void): void {
    const isGone = (sequence: number): boolean => first <= sequence && sequence <= last;
    for (const state of this.#states.values()) {
      const left = state.parked.slice(state.head).filter((message) => !isGone(message.sequence));
      this.#parked -= state.parked.length - state.head - left.length;
      state.parked.splice(0, state.parked.length, ...left);
      state.head = 0;
    }
    for (const holder of [...this.#holders.keys()]) {
      if (!isGone(holder)) continue;
      const next = this.leave(holder);
      if (next !== undefined) onReady(next);
    }
  }

  #takeParked(state: KeyState): ParkedMessage | undefined {
    const message = state.parked[state.head];
    if (message === undefined) return undefined;
    this.#parked--;
    state.head++;
    if (state.head === state.parked.length || state.head > 1_024) {
      state.parked.splice(0, state.head);
      state.head = 0;
    }
    return message;
  }
}
