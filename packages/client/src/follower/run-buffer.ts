import type { StreamRanges } from '@simplemq/protocol';
import type { Message } from './message.ts';
import type { Run } from './run.ts';
import { covers } from './settlement-batch.ts';

/** How much is in the buffer, or left it in another way than by being taken. */
export interface Amount {
  messages: number;
  /** Of whole runs: those that have messages left, or those that have none any more. */
  bytes: number;
}

/**
 * Delivered runs in order of arrival, taken message by message.
 *
 * Invariant: every run in it has messages left; without one there are no others.
 */
export class RunBuffer<T> {
  #current: Run<T> | undefined;
  #later: Run<T>[] = [];
  /** The index in `#later` of the run after the current one. */
  #head = 0;
  readonly #onRunDone: (run: Run<T>) => void;

  /** `onRunDone` is told of each run whose last message was taken. */
  constructor(onRunDone: (run: Run<T>) => void) {
    this.#onRunDone = onRunDone;
  }

  get empty(): boolean {
    return this.#current === undefined;
  }

  add(run: Run<T>): void {
    if (run.left === 0) return;
    if (this.#current === undefined) this.#current = run;
    else this.#later.push(run);
  }

  take(): Message<T> | undefined {
    const run = this.#current;
    if (run === undefined) return undefined;
    const message = run.take();
    if (run.left === 0) this.#next(run);
    return message;
  }

  /** What is buffered, to hand it back or to extend its leases. */
  ranges(): StreamRanges[] {
    return this.#runs().map((run) => run.ranges());
  }

  amount(): Amount {
    const amount = { messages: 0, bytes: 0 };
    for (const run of this.#runs()) {
      amount.messages += run.left;
      amount.bytes += run.bytes;
    }
    return amount;
  }

  clear(): Amount {
    const dropped = this.amount();
    this.#reset([]);
    return dropped;
  }

  /** Drops what the ranges cover at the beginning of a run. The rest is found when it is settled. */
  drop(stale: readonly StreamRanges[]): Amount {
    const dropped = { messages: 0, bytes: 0 };
    const runs = this.#runs();
    for (const run of runs) {
      dropped.messages += skipStale(run, stale);
      if (run.left === 0) dropped.bytes += run.bytes;
    }
    this.#reset(runs.filter((run) => run.left > 0));
    return dropped;
  }

  #runs(): Run<T>[] {
    return this.#current === undefined ? [] : [this.#current, ...this.#later.slice(this.#head)];
  }

  #reset(runs: Run<T>[]): void {
    this.#current = runs.shift();
    this.#later = runs;
    this.#head = 0;
  }

  #next(done: Run<T>): void {
    this.#current = this.#later[this.#head];
    if (this.#current === undefined) this.#reset([]);
    else this.#head++;
    this.#onRunDone(done);
  }
}

/** Steps over the messages that a run begins with and that `stale` covers. @returns how many */
export function skipStale(run: Run<unknown>, stale: readonly StreamRanges[]): number {
  let skipped = 0;
  while (run.left > 0 && covers(stale, run.stream, run.next, run.attempt)) {
    run.take();
    skipped++;
  }
  return skipped;
}
