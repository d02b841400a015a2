import { type Span, type Waiting, without } from './entry.ts';

/** A range of entries that wait, as the pending entry list has them. */
export interface WaitingRange {
  readonly first: number;
  readonly last: number;
  readonly state: Waiting;
}

/**
 * Ranges that wait for their redelivery: those that are due come first, by sequence number; a binary heap.
 */
export class RedeliveryQueue {
  readonly #heap: WaitingRange[] = [];
  #messages = 0;

  get size(): number {
    return this.#heap.length;
  }

  /** How many messages wait, due or not. */
  get messages(): number {
    return this.#messages;
  }

  push(range: WaitingRange): void {
    const heap = this.#heap;
    this.#messages += range.last - range.first + 1;
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
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first !== undefined) this.#messages -= first.last - first.first + 1;
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
    this.#heap.length = 0;
    this.#messages = 0;
  }

  /** Drops what is within the span. */
  remove(span: Span): void {
    if (this.#heap.every(({ first, last }) => last < span.first || first > span.last)) return;
    const ranges = this.#heap.splice(0);
    this.#messages = 0;
    for (const { first, last, state } of ranges) {
      for (const part of without([{ first, last }], span)) this.push({ ...part, state });
    }
  }
}

function isBefore(a: WaitingRange, b: WaitingRange): boolean {
  return a.state.dueAt !== b.state.dueAt ? a.state.dueAt < b.state.dueAt : a.first < b.first;
}
