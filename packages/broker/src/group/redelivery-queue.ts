import { type Span, type Waiting, without } from './entry.ts';

/** A range of entries that wait, as the pending entry list has them. */
export interface WaitingRange {
  readonly first: number;
  readonly last: number;
  readonly state: Waiting;
}

/**
 * Ranges that wait for their redelivery: those that are due come first, by sequence number; a binary heap.
 *
 * Invariant: what is at the top of the heap is there still; below it there may be ranges that were removed.
 */
export class RedeliveryQueue {
  #heap: WaitingRange[] = [];
  #messages = 0;
  // Whatever comes before it was removed, and how many messages of the heap those are.
  #goneBefore = 0;
  #gone = 0;

  /** How many messages wait, due or not. */
  get messages(): number {
    return this.#messages;
  }

  push(range: WaitingRange): void {
    this.#messages += range.last - range.first + 1;
    this.#insert(range);
  }

  #insert(range: WaitingRange): void {
    const heap = this.#heap;
    let index = heap.push(range) - 1;
    while (index > 0) {
      const parent = (index - 1) >>> 1;
      if (!isBefore(range, heap[parent]!)) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = range;
  }

  /** When the first range is due, by the monotonic clock; undefined when nothing waits. */
  get nextDueAt(): number | undefined {
    return this.#heap[0]?.state.dueAt;
  }

  /** The first range, if it is due by `now`. */
  peek(now: number): WaitingRange | undefined {
    const first = this.#heap[0];
    return first !== undefined && first.state.dueAt <= now ? first : undefined;
  }

  pop(): WaitingRange | undefined {
    const first = this.#take();
    if (first === undefined) return undefined;
    this.#messages -= first.last - first.first + 1;
    if (this.#gone > 0) this.#dropGone();
    return first;
  }

  #take(): WaitingRange | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let index = 0;
    for (;;) {
      const left = index * 2 + 1;
      if (left >= heap.length) break;
      const right = left + 1;
      const child = right < heap.length && isBefore(heap[right]!, heap[left]!) ? right : left;
      if (!isBefore(heap[child]!, last)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = last;
    return first;
  }

  clear(): void {
    this.#heap = [];
    this.#messages = 0;
    this.#goneBefore = 0;
    this.#gone = 0;
  }

  /**
   * Drops what comes before `sequence`, which is never pushed again: at once where it is at the top, the rest when it
   * comes there, or when as much of the heap is gone as is left.
   *
   * @param messages how many of those that wait that is
   */
  removeBefore(sequence: number, messages: number): void {
    if (messages === 0) return;
    this.#messages -= messages;
    this.#goneBefore = Math.max(this.#goneBefore, sequence);
    this.#gone += messages;
    if (this.#gone * 2 > this.#heap.length) this.#rebuild({ first: 0, last: this.#goneBefore - 1 });
    else this.#dropGone();
  }

  /** Drops what is within the span, of which some waits. */
  remove(span: Span): void {
    this.#rebuild({ first: 0, last: this.#goneBefore - 1 }, span);
  }

  #dropGone(): void {
    for (let top = this.#heap[0]; top !== undefined && top.first < this.#goneBefore; top = this.#heap[0]) {
      this.#take();
      this.#gone -= Math.min(top.last + 1, this.#goneBefore) - top.first;
      if (top.last >= this.#goneBefore) this.#insert({ ...top, first: this.#goneBefore });
    }
  }

  #rebuild(...gone: readonly Span[]): void {
    const ranges = this.#heap;
    this.#heap = [];
    this.#messages = 0;
    this.#gone = 0;
    for (const { first, last, state } of ranges) {
      for (const part of gone.reduce(without, [{ first, last }])) this.push({ ...part, state });
    }
  }
}

function isBefore(a: WaitingRange, b: WaitingRange): boolean {
  return a.state.dueAt !== b.state.dueAt ? a.state.dueAt < b.state.dueAt : a.first < b.first;
}
