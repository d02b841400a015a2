import type { CancelDelayed, DelayedListed, ListDelayed, RecordBatch } from '@simplemq/protocol';
import { skipRecords } from '@simplemq/protocol';
import type { SteadyClock } from '../clock.ts';
import type { Committer } from '../commit/committer.ts';
import { ownMemory, type Transaction } from '../commit/transaction.ts';
import { keep } from '../lists.ts';
import type { Delay } from '../publish/batch-parts.ts';
import type { DelayedPage, ReadDelayedRequest, Store, StoredDelayed, StoreSnapshot } from '../store/store.ts';
import { Batch } from '../stream/batch.ts';
import type { Stream } from '../stream/stream.ts';
import { MemoryDelays } from './memory-delays.ts';

/** What enters its streams in one commit, at the most. */
const PAGE_BATCHES = 4_096;
const PAGE_BYTES: number = 8 * 1024 * 1024;
/** How long the wall clock is trusted to go on as it did: it may be set meanwhile. */
const LOOK_MS = 1_000;
/** After a storage that was full, the next try. */
const RETRY_MS = 1_000;
const LIST_LIMIT_MAX = 1_000;

export interface DelaysOptions {
  readonly store: Store;
  readonly committer: Committer;
  readonly clock: SteadyClock;
  readonly snapshot: StoreSnapshot;
  readonly streamOf: (id: number) => Stream | undefined;
  readonly onFailed: (error: unknown) => void;
}

/** Where and when a delayed batch was published. */
export interface DelayedPlace {
  readonly transaction: Transaction;
  readonly stream: Stream;
  readonly now: number;
}

interface Entered {
  readonly stream: Stream;
  readonly delayed: StoredDelayed;
}

/**
 * Messages that enter their streams later. Until then they are in the store, by when they are due, and cost no memory.
 *
 * Invariant: the commit that puts a message into its stream takes it out of here, so it enters once, whatever happens.
 */
export class Delays {
  readonly #options: DelaysOptions;
  readonly #memory = new MemoryDelays();
  #nextId: number;
  #nextWallMs: number;
  #nextSteadyMs: number;
  #timer: NodeJS.Timeout | undefined;
  #isPromoting = false;
  #promotion: Promise<void> = Promise.resolve();
  /** Cancellations are made one after the other, so that none takes what another is taking. */
  #cancelling: Promise<unknown> = Promise.resolve();
  /** While something is cancelled nothing enters its stream: the store may still have what is not to. */
  #isCancelling = false;
  #isClosed = false;

  constructor(options: DelaysOptions) {
    this.#options = options;
    const { snapshot } = options;
    this.#nextId = snapshot.lastDelayedId + 1;
    this.#nextWallMs = snapshot.nextWallMs ?? Number.POSITIVE_INFINITY;
    this.#nextSteadyMs = snapshot.nextSteadyMs ?? Number.POSITIVE_INFINITY;
    for (const { streamId, messages, bytes } of snapshot.delayed) {
      const stream = options.streamOf(streamId);
      if (stream === undefined) continue;
      stream.delayedMessages = messages;
      stream.delayedBytes = bytes;
    }
    this.#arm();
  }

  /** The id that the next delayed message gets. */
  get nextId(): number {
    return this.#nextId;
  }

  /** The time that delays count from; one reading for all of a publish keeps their order. */
  now(): number {
    return this.#options.clock.now();
  }

  /**
   * Keeps a batch until it is due, counted from `now`.
   *
   * @returns the id of its first message; those after it have the ids that follow
   */
  add({ transaction, stream, now }: DelayedPlace, lane: number, batch: RecordBatch, delay: Delay): number {
    const id = this.#nextId;
    this.#nextId += batch.count;
    const isSteady = 'afterMs' in delay;
    const dueAt = isSteady ? Math.ceil(now + delay.afterMs) : delay.at;
    this.#put(
      transaction,
      { id, streamId: stream.id, lane, isSteady, dueAt, batch: toBatch(batch, stream) },
      stream,
    );
    return id;
  }

  async list({ after = 0, limit = LIST_LIMIT_MAX }: ListDelayed, stream: Stream): Promise<DelayedListed> {
    const most = Math.min(limit, LIST_LIMIT_MAX);
    // The last batch of the page before has ids past its own.
    const found = await this.#list(stream, after, most + 2);
    const rows = found.filter(({ id }) => id > after);
    const entries = rows.slice(0, most).map(({ id, dueAt, isSteady, batch }) => {
      const deliverAt = isSteady ? Math.round(Date.now() + dueAt - this.#options.clock.now()) : dueAt;
      return { id, messages: batch.count, bytes: batch.bytes, deliverAt };
    });
    return { entries, more: rows.length > most };
  }

  /** @returns how many messages were cancelled */
  cancel({ ids }: CancelDelayed, stream: Stream): Promise<number> {
    const work = (): Promise<number> => this.#cancel(ids, stream);
    const done = this.#cancelling.then(work, work);
    this.#cancelling = done.catch(() => {});
    return done;
  }

  async #cancel(ids: readonly number[], stream: Stream): Promise<number> {
    // What is due by now is not held up by one cancellation after the other.
    this.#look();
    while (this.#isPromoting) await this.#promotion;
    this.#isCancelling = true;
    try {
      return await this.#cancelAlone(new Set(ids), stream);
    } finally {
      this.#isCancelling = false;
      this.#arm();
    }
  }

  async #cancelAlone(wanted: ReadonlySet<number>, stream: Stream): Promise<number> {
    const { committer } = this.#options;
    // What was added by now has to be in the store to be found.
    await committer.settled();
    const rows = new Map<number, StoredDelayed>();
    for (const id of [...wanted].sort((a, b) => a - b)) {
      const [row] = await this.#list(stream, id - 1, 1);
      if (row !== undefined && row.id <= id) rows.set(row.id, row);
    }
    if (rows.size === 0) return 0;
    let cancelled = 0;
    await committer.moved(() => {
      cancelled = 0;
      for (const row of rows.values()) cancelled += this.#cancelWithin(row, wanted, stream);
    });
    return cancelled;
  }

  /** The stream is gone, and its delayed messages with it. */
  removed(stream: Stream): void {
    this.#memory.removeStream(stream.id);
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #put(transaction: Transaction, delayed: StoredDelayed, stream: Stream): void {
    const { batch } = delayed;
    count(stream, batch.count, batch.bytes);
    if (stream.isDurable) {
      transaction.delayed.push(delayed);
      transaction.bytes += batch.bytes;
    }
    let isUndone = false;
    transaction.undo.push(() => {
      isUndone = true;
      count(stream, -batch.count, -batch.bytes);
    });
    // Only what is stored is found when it is looked for; of a memory stream too, as it may be refused until then.
    const resolve = (): void => {
      if (isUndone || stream.isDeleted) return;
      if (!stream.isDurable) this.#memory.add(delayed);
      this.#notice(delayed);
    };
    transaction.settlements.push({ resolve, reject: () => {} });
  }

  #list(stream: Stream, after: number, limit: number): Promise<StoredDelayed[]> {
    const request = { streamId: stream.id, after, limit };
    return stream.isDurable
      ? this.#options.store.listDelayed(request)
      : Promise.resolve(this.#memory.list(request));
  }

  /** Takes the wanted messages out of a row; the rest of it stays, in rows of its own. */
  #cancelWithin(row: StoredDelayed, wanted: ReadonlySet<number>, stream: Stream): number {
    const transaction = this.#options.committer.open;
    const { batch } = row;
    const kept: StoredDelayed[] = [];
    let cancelled = 0;
    let offset = 0;
    let start = 0;
    let startOffset = 0;
    const close = (index: number): void => {
      if (index > start) {
        const { first, ordinal, time, flags, shared } = batch;
        const records = batch.records.subarray(startOffset, offset);
        const part = new Batch({ first, ordinal, time, flags, shared, count: index - start, records });
        kept.push({ ...row, id: row.id + start, batch: part });
      }
    };
    for (let index = 0; index < batch.count; index++) {
      const end = skipRecords(batch.records, offset, 1);
      if (wanted.has(row.id + index)) {
        close(index);
        start = index + 1;
        startOffset = end;
        cancelled++;
      }
      offset = end;
    }
    if (cancelled === 0) return 0;
    close(batch.count);
    count(stream, -batch.count, -batch.bytes);
    if (stream.isDurable) transaction.removedDelayed.push(row.id);
    else this.#memory.remove(new Set([row.id]));
    transaction.undo.push(() => {
      count(stream, batch.count, batch.bytes);
      if (!stream.isDurable) this.#memory.add(row);
      remove(transaction.removedDelayed, new Set([row.id]));
    });
    for (const part of kept) this.#put(transaction, part, stream);
    return cancelled;
  }

  #notice({ isSteady, dueAt }: StoredDelayed): void {
    if (isSteady) {
      if (dueAt >= this.#nextSteadyMs) return;
      this.#nextSteadyMs = dueAt;
    } else {
      if (dueAt >= this.#nextWallMs) return;
      this.#nextWallMs = dueAt;
    }
    this.#arm();
  }

  #arm(atLeastMs = 0): void {
    clearTimeout(this.#timer);
    if (this.#isClosed || this.#isPromoting || this.#isCancelling) return;
    const waitMs = Math.min(this.#nextSteadyMs - this.#options.clock.now(), this.#nextWallMs - Date.now());
    if (waitMs === Number.POSITIVE_INFINITY) return;
    const delayMs = Math.max(atLeastMs, Math.min(LOOK_MS, Math.max(0, Math.ceil(waitMs))));
    this.#timer = setTimeout(() => this.#look(), delayMs).unref();
  }

  #look(): void {
    clearTimeout(this.#timer);
    // Who promotes or cancels looks again when that is done.
    if (this.#isClosed || this.#isPromoting || this.#isCancelling) return;
    const isDue = this.#nextSteadyMs <= this.#options.clock.now() || this.#nextWallMs <= Date.now();
    if (!isDue) {
      this.#arm();
      return;
    }
    this.#isPromoting = true;
    this.#promotion = this.#promote();
  }

  async #promote(): Promise<void> {
    let retryMs = 0;
    try {
      while (!this.#isClosed && (await this.#promotePage())) {}
    } catch (error) {
      if ((error as { code?: string }).code === 'StorageFull') retryMs = RETRY_MS;
      else if (!this.#isClosed) this.#options.onFailed(error);
    }
    this.#isPromoting = false;
    this.#arm(retryMs);
  }

  /** @returns whether more is due */
  async #promotePage(): Promise<boolean> {
    const { store, committer, clock } = this.#options;
    const request: ReadDelayedRequest = {
      wallMs: Date.now(),
      steadyMs: Math.floor(clock.now()),
      limit: PAGE_BATCHES,
      bytesMax: PAGE_BYTES,
    };
    const [nextWallMs, nextSteadyMs] = [this.#nextWallMs, this.#nextSteadyMs];
    // What comes to wait while the store is asked may be in neither page: it is noticed meanwhile, and stays so.
    this.#nextWallMs = Number.POSITIVE_INFINITY;
    this.#nextSteadyMs = Number.POSITIVE_INFINITY;
    let stored: DelayedPage;
    try {
      stored = await store.readDelayed(request);
    } catch (error) {
      this.#nextWallMs = Math.min(this.#nextWallMs, nextWallMs);
      this.#nextSteadyMs = Math.min(this.#nextSteadyMs, nextSteadyMs);
      throw error;
    }
    const pages = [this.#memory.takeDue(request), stored];
    this.#nextWallMs = Math.min(
      this.#nextWallMs,
      earliest(pages, ({ nextWallMs }) => nextWallMs),
    );
    this.#nextSteadyMs = Math.min(
      this.#nextSteadyMs,
      earliest(pages, ({ nextSteadyMs }) => nextSteadyMs),
    );
    const due = pages.flatMap((page) => page.due);
    if (due.length === 0) return false;
    let entered: readonly Entered[] = [];
    try {
      await committer.moved(() => {
        entered = this.#enter(committer.open, due);
      });
    } catch (error) {
      for (const each of entered) this.#stay(each);
      throw error;
    }
    // Only now, so that no message is counted nowhere in between.
    for (const { stream, delayed } of entered) count(stream, -delayed.batch.count, -delayed.batch.bytes);
    return this.#nextSteadyMs <= clock.now() || this.#nextWallMs <= Date.now();
  }

  #enter(transaction: Transaction, due: readonly StoredDelayed[]): readonly Entered[] {
    const entered: Entered[] = [];
    for (const delayed of due) {
      const stream = this.#options.streamOf(delayed.streamId);
      if (stream === undefined) continue;
      const { batch } = delayed;
      transaction.append(stream, stream.lane(delayed.lane), batch, stream.takeTime());
      if (stream.isDurable) transaction.removedDelayed.push(delayed.id);
      entered.push({ stream, delayed });
    }
    transaction.undo.push(() => remove(transaction.removedDelayed, new Set(due.map(({ id }) => id))));
    return entered;
  }

  /** It did not enter its stream after all. */
  #stay({ stream, delayed }: Entered): void {
    if (stream.isDeleted) return;
    if (!stream.isDurable) this.#memory.add(delayed);
    this.#notice(delayed);
  }
}

function toBatch({ count, flags, shared, records }: RecordBatch, stream: Stream): Batch {
  const own = { flags, shared: ownMemory(shared), records: ownMemory(records) };
  return new Batch({ first: 0, ordinal: 0, count, time: stream.takeTime(), ...own });
}

function count(stream: Stream, messages: number, bytes: number): void {
  stream.delayedMessages += messages;
  stream.delayedBytes += bytes;
}

function remove(ids: number[], gone: ReadonlySet<number>): void {
  keep(ids, (id) => !gone.has(id));
}

function earliest(pages: readonly DelayedPage[], next: (page: DelayedPage) => number | undefined): number {
  return Math.min(...pages.map((page) => next(page) ?? Number.POSITIVE_INFINITY));
}
