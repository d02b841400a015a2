import type { DelayedPage, ListDelayedRequest, ReadDelayedRequest, StoredDelayed } from '../store/store.ts';
import { Heap } from './heap.ts';

/** The delayed batches of memory streams, which no store keeps. */
export class MemoryDelays {
  readonly #wall = new Heap<StoredDelayed>(isDueBefore);
  readonly #steady = new Heap<StoredDelayed>(isDueBefore);

  add(delayed: StoredDelayed): void {
    this.#heapOf(delayed).push(delayed);
  }

  remove(ids: ReadonlySet<number>): void {
    for (const heap of [this.#wall, this.#steady]) heap.filter(({ id }) => !ids.has(id));
  }

  removeStream(streamId: number): void {
    for (const heap of [this.#wall, this.#steady]) heap.filter((delayed) => delayed.streamId !== streamId);
  }

  /** Takes what is due out: what has been due for longest comes first. */
  takeDue({ wallMs, steadyMs, limit }: ReadDelayedRequest): DelayedPage {
    const due: StoredDelayed[] = [];
    while (due.length < limit) {
      const byWall = wallMs - (this.#wall.peek()?.dueAt ?? Number.POSITIVE_INFINITY);
      const bySteady = steadyMs - (this.#steady.peek()?.dueAt ?? Number.POSITIVE_INFINITY);
      if (Math.max(byWall, bySteady) < 0) break;
      due.push((byWall >= bySteady ? this.#wall : this.#steady).pop()!);
    }
    const nextWallMs = this.#wall.peek()?.dueAt;
    const nextSteadyMs = this.#steady.peek()?.dueAt;
    return {
      due,
      ...(nextWallMs !== undefined && { nextWallMs }),
      ...(nextSteadyMs !== undefined && { nextSteadyMs }),
    };
  }

  /** As Store.listDelayed. */
  list({ streamId, after, limit }: ListDelayedRequest): StoredDelayed[] {
    return [...this.#wall.items, ...this.#steady.items]
      .filter(({ streamId: of, id, batch }) => of === streamId && id + batch.count - 1 > after)
      .sort((a, b) => a.id - b.id)
      .slice(0, limit);
  }

  #heapOf({ isSteady }: StoredDelayed): Heap<StoredDelayed> {
    return isSteady ? this.#steady : this.#wall;
  }
}

function isDueBefore(a: StoredDelayed, b: StoredDelayed): boolean {
  return a.dueAt !== b.dueAt ? a.dueAt < b.dueAt : a.id < b.id;
}
