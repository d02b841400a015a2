import { BATCH_HEADER_BYTES } from '@simplemq/protocol';
import type {
  DelayedPage,
  FrontRequest,
  ListDelayedRequest,
  ReadDelayedRequest,
  ReadFailuresRequest,
  ReadRequest,
  SeekRequest,
  Store,
  StoreCommitted,
  StoredDedup,
  StoredDelayed,
  StoredFailure,
  StoredGroup,
  StoredProducer,
  StoredSchedule,
  StoredStream,
  StoredWindow,
  StoreHealth,
  StoreSnapshot,
  StoreTransaction,
} from '../../src/store/store.ts';
import type { Batch } from '../../src/stream/batch.ts';

interface Row {
  readonly streamId: number;
  readonly lane: number;
  readonly batch: Batch;
}

/** What a store is, said as plainly as can be: lists in memory, and no thought of what anything costs. */
export class ModelStore implements Store {
  readonly durability = 'fsync';
  readonly streams = new Map<number, StoredStream>();
  readonly groups = new Map<number, StoredGroup>();
  readonly delayed = new Map<number, StoredDelayed>();
  rows: Row[] = [];
  #windows: StoredWindow[] = [];
  #failures: StoredFailure[] = [];
  #dedup: StoredDedup[] = [];
  readonly #producers = new Map<string, StoredProducer>();
  readonly #schedules = new Map<string, StoredSchedule>();
  #lastDelayedId = 0;
  #clockOffsetMs = 0;
  #clockSteadyMs = 0;

  health(): StoreHealth {
    return { isFull: false };
  }

  load(): Promise<StoreSnapshot> {
    return Promise.resolve(this.snapshot());
  }

  snapshot(): StoreSnapshot {
    const all = [...this.delayed.values()];
    const delayed = [...this.streams.keys()].flatMap((streamId) => {
      const own = all.filter((row) => row.streamId === streamId);
      const messages = sum(own, ({ batch }) => batch.count);
      return own.length === 0 ? [] : [{ streamId, messages, bytes: sum(own, ({ batch }) => batch.bytes) }];
    });
    return {
      streams: [...this.streams.values()],
      groups: [...this.groups.values()],
      windows: this.#windows,
      producers: [...this.#producers.values()],
      dedup: this.#dedup,
      schedules: [...this.#schedules.values()],
      lastDelayedId: this.#lastDelayedId,
      delayed,
      ...nextTimes(all),
      failingGroups: [...new Set(this.#failures.map(({ groupId }) => groupId))],
      clockOffsetMs: this.#clockOffsetMs,
      clockSteadyMs: this.#clockSteadyMs,
    };
  }

  commit(transaction: StoreTransaction): Promise<StoreCommitted> {
    return Promise.resolve(this.apply(transaction));
  }

  apply(transaction: StoreTransaction): StoreCommitted {
    for (const id of transaction.deletedStreams) this.#deleteStream(id);
    for (const stream of transaction.createdStreams) this.streams.set(stream.id, { ...stream, bytes: 0 });
    for (const { id, options } of transaction.updatedStreams) this.#update(id, { options });
    for (const row of transaction.batches) {
      this.rows.push(row);
      this.#grow(row.streamId, row.batch.bytes);
    }
    for (const { id, ...counters } of transaction.streams) this.#update(id, counters);
    this.#applyGroups(transaction);
    const freed = new Map<number, number>();
    for (const removal of transaction.removals) {
      const { streamId, bytes } = this.#remove(removal);
      freed.set(streamId, (freed.get(streamId) ?? 0) + bytes);
    }
    const removed = Array.from(freed, ([streamId, bytes]) => ({ streamId, bytes }));
    for (const producer of transaction.producers) this.#producers.set(producer.id, producer);
    for (const id of transaction.forgottenProducers) this.#producers.delete(id);
    // What is removed and added at once is a batch of which a part was taken out.
    const missing = transaction.removedDelayed.filter((id) => !this.delayed.delete(id));
    for (const delayed of transaction.delayed) {
      this.delayed.set(delayed.id, delayed);
      this.#lastDelayedId = Math.max(this.#lastDelayedId, delayed.id + delayed.batch.count - 1);
    }
    for (const id of missing) this.delayed.delete(id);
    this.#applyFailures(transaction);
    this.#dedup.push(...transaction.dedup);
    for (const { streamId, before } of transaction.droppedDedup) {
      this.#dedup = this.#dedup.filter((row) => row.streamId !== streamId || row.time >= before);
    }
    for (const name of transaction.deletedSchedules) this.#schedules.delete(name);
    for (const schedule of transaction.schedules) this.#schedules.set(schedule.name, schedule);
    for (const offset of transaction.clockOffsetMs) this.#clockOffsetMs = offset;
    for (const steady of transaction.clockSteadyMs) this.#clockSteadyMs = steady;
    return { removed };
  }

  async read({ streamId, lane, from, bytesMax, batchesMax }: ReadRequest): Promise<Batch[]> {
    const batches: Batch[] = [];
    let bytes = 0;
    for (const batch of this.#lane(streamId, lane)) {
      if (batch.last < from) continue;
      if (batches.length > 0 && (bytes >= bytesMax || batches.length === batchesMax)) break;
      batches.push(batch);
      bytes += BATCH_HEADER_BYTES + batch.bytes;
    }
    return batches;
  }

  async seek({ streamId, lane, time }: SeekRequest): Promise<number | undefined> {
    return this.#lane(streamId, lane).find((batch) => batch.time >= time)?.first;
  }

  async front({ streamId, bytes }: FrontRequest): Promise<number | undefined> {
    const batches = this.rows.filter((row) => row.streamId === streamId).map(({ batch }) => batch);
    batches.sort((a, b) => a.first - b.first);
    let free = 0;
    let front = batches[0]?.first;
    for (const batch of batches) {
      if (free >= bytes) break;
      free += batch.bytes;
      front = batch.last + 1;
    }
    return front;
  }

  async readDelayed({ wallMs, steadyMs, limit, bytesMax }: ReadDelayedRequest): Promise<DelayedPage> {
    const overdue = ({ isSteady, dueAt }: StoredDelayed) => (isSteady ? steadyMs : wallMs) - dueAt;
    const rows = [...this.delayed.values()].sort((a, b) => overdue(b) - overdue(a) || a.id - b.id);
    const due: StoredDelayed[] = [];
    let bytes = 0;
    while (rows.length > 0 && overdue(rows[0]!) >= 0 && due.length < limit && bytes < bytesMax) {
      const row = rows.shift()!;
      due.push(row);
      bytes += BATCH_HEADER_BYTES + row.batch.bytes;
    }
    return { due, ...nextTimes(rows) };
  }

  async listDelayed({ streamId, after, limit }: ListDelayedRequest): Promise<StoredDelayed[]> {
    const rows = [...this.delayed.values()].filter(
      ({ streamId: of, id, batch }) => of === streamId && id + batch.count - 1 > after,
    );
    return rows.sort((a, b) => a.id - b.id).slice(0, limit);
  }

  async readFailures({ groupId, first, last }: ReadFailuresRequest): Promise<StoredFailure[]> {
    return this.#failures.filter((row) => row.groupId === groupId && row.first <= last && row.last >= first);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #lane(streamId: number, lane: number): Batch[] {
    const rows = this.rows.filter((row) => row.streamId === streamId && row.lane === lane);
    return rows.map(({ batch }) => batch).sort((a, b) => a.first - b.first);
  }

  #update(id: number, fields: Partial<StoredStream>): void {
    const stream = this.streams.get(id);
    if (stream !== undefined) this.streams.set(id, { ...stream, ...fields });
  }

  #grow(id: number, bytes: number): void {
    const stream = this.streams.get(id);
    if (stream !== undefined) this.#update(id, { bytes: stream.bytes + bytes });
  }

  #remove({ streamId, lane, first, last }: StoreTransaction['removals'][number]): {
    streamId: number;
    bytes: number;
  } {
    const isGone = (row: Row) =>
      row.streamId === streamId && row.lane === lane && row.batch.first >= first && row.batch.last <= last;
    const bytes = sum(this.rows.filter(isGone), ({ batch }) => batch.bytes);
    this.rows = this.rows.filter((row) => !isGone(row));
    this.#grow(streamId, -bytes);
    return { streamId, bytes };
  }

  #applyGroups({ deletedGroups, groups, windows, droppedWindows }: StoreTransaction): void {
    for (const id of deletedGroups) this.#deleteGroup(id);
    for (const group of groups) {
      const positions = new Map(this.groups.get(group.id)?.positions.map((each) => [each.lane, each]));
      for (const position of group.positions) positions.set(position.lane, position);
      const sorted = [...positions.values()].sort((a, b) => a.lane - b.lane);
      this.groups.set(group.id, { ...group, positions: sorted });
    }
    for (const window of windows) {
      this.#windows = [...this.#windows.filter((other) => !isSameWindow(window, other)), window];
    }
    for (const window of droppedWindows) {
      this.#windows = this.#windows.filter((other) => !isSameWindow(window, other));
    }
  }

  #applyFailures({ failures, droppedFailures }: StoreTransaction): void {
    this.#failures.push(...failures);
    for (const { groupId, first = 0, through } of droppedFailures) {
      this.#failures = this.#failures.filter(
        (row) => row.groupId !== groupId || row.first < first || row.last > through,
      );
    }
  }

  #deleteStream(id: number): void {
    this.streams.delete(id);
    this.rows = this.rows.filter(({ streamId }) => streamId !== id);
    this.#dedup = this.#dedup.filter(({ streamId }) => streamId !== id);
    for (const { id: delayedId, streamId } of this.delayed.values()) {
      if (streamId === id) this.delayed.delete(delayedId);
    }
    for (const group of this.groups.values()) if (group.streamId === id) this.#deleteGroup(group.id);
  }

  #deleteGroup(id: number): void {
    this.groups.delete(id);
    this.#windows = this.#windows.filter(({ groupId }) => groupId !== id);
    this.#failures = this.#failures.filter(({ groupId }) => groupId !== id);
  }
}

type WindowKey = Pick<StoredWindow, 'groupId' | 'lane' | 'window'>;

function isSameWindow(a: WindowKey, b: WindowKey): boolean {
  return a.groupId === b.groupId && a.lane === b.lane && a.window === b.window;
}

function nextTimes(rows: readonly StoredDelayed[]): Pick<StoreSnapshot, 'nextWallMs' | 'nextSteadyMs'> {
  const first = (steady: boolean) =>
    Math.min(...rows.filter((row) => row.isSteady === steady).map((row) => row.dueAt));
  const [nextWallMs, nextSteadyMs] = [first(false), first(true)];
  return {
    ...(nextWallMs !== Number.POSITIVE_INFINITY && { nextWallMs }),
    ...(nextSteadyMs !== Number.POSITIVE_INFINITY && { nextSteadyMs }),
  };
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}
