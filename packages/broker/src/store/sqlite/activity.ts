import type { StoreWait } from '../store.ts';
import { REQUESTS_TAKEN, type StorageRequest } from './messages.ts';

/** What the storage thread is at, in words, for those who look after a broker. */
const DOING: { readonly [T in StorageRequest['type']]: string } = {
  commit: 'a commit',
  close: 'closing',
  read: 'reading messages',
  seek: 'finding a time in a stream',
  front: 'finding what a stream must give up',
  readDelayed: 'reading delayed messages that are due',
  listDelayed: 'listing delayed messages',
  readFailures: 'reading how messages failed',
  hasRoom: 'looking for room on the disk',
  beginBackup: 'beginning a backup',
  readBackup: 'reading for a backup',
  endBackup: 'ending a backup',
  setAside: 'setting damaged messages aside',
};
/** It has not taken the request: it is at what it does between requests, or has not been woken. */
const UPKEEP = 'upkeep between requests';

/** How long the storage thread has been silent while something waits for it. */
export class Activity {
  readonly #counters: Int32Array;
  #sinceMs = 0;

  constructor(counters: Int32Array) {
    this.#counters = counters;
  }

  /** Something waits, and before it nothing did. */
  begins(): void {
    this.#sinceMs = performance.now();
  }

  /** Something was answered; what still waits does so from now on. */
  answers(): void {
    this.#sinceMs = performance.now();
  }

  /** @param oldest the request that has waited longest, which is the next to be answered */
  of({ id, type }: StorageRequest): StoreWait {
    // Ids are given from 1 on, and requests are taken in their order; the difference is right modulo 2^32.
    const isTaken = ((Atomics.load(this.#counters, REQUESTS_TAKEN) - id) | 0) >= 0;
    return { doing: isTaken ? DOING[type] : UPKEEP, silentMs: performance.now() - this.#sinceMs };
  }
}
