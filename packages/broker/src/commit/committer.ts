import { SimpleMQError, StorageFailed } from '@simplemq/protocol';
import type { Group } from '../group/group.ts';
import type { LedgerChanges } from '../group/ledger.ts';
import type { Store, StoreTransaction } from '../store/store.ts';
import type { Batch } from '../stream/batch.ts';
import type { Stream } from '../stream/stream.ts';
import type { Producers } from './producers.ts';
import { removalsOf } from './removals.ts';
import { Transaction } from './transaction.ts';

/** Changes that nobody waits for are stored with the next commit, or after this time. */
const LAZY_COMMIT_MS = 100;

export interface CommitterEvents {
  /** The batches of these streams became durable, or messages of them were removed. */
  committed(streams: ReadonlySet<Stream>): void;
  /** A stream could not be created for want of room. */
  notCreated(stream: Stream): void;
  failed(error: SimpleMQError): void;
}

interface Sealed {
  readonly transaction: Transaction;
  /** What producers may ask for again; it goes with the batches of their publishes, and never without. */
  readonly producers: ReturnType<Producers['seal']>;
  readonly batches: readonly { stream: Stream; batch: Batch }[];
  readonly groups: readonly { group: Group; changes: LedgerChanges }[];
  readonly removals: readonly { stream: Stream; first: number; last: number }[];
}

/**
 * Group commit: everything that arrived while the last commit was under way is one transaction. Who waits for it is
 * answered here and nowhere else, after the store has said that it is durable.
 */
export class Committer {
  readonly #store: Store;
  readonly #producers: Producers;
  readonly #events: CommitterEvents;
  #open = new Transaction();
  // What is left of a transaction that was refused, to be committed by itself before the open one.
  #rest: Transaction | undefined;
  #isBusy = false;
  #isScheduled = false;
  #isDraining = false;
  #failure: SimpleMQError | undefined;
  #lazyTimer: NodeJS.Timeout | undefined;
  #whenIdle: (() => void)[] = [];

  constructor(store: Store, producers: Producers, events: CommitterEvents) {
    this.#store = store;
    this.#producers = producers;
    this.#events = events;
  }

  /** What is being collected for the next commit; `schedule` must follow whatever is added to it. */
  get open(): Transaction {
    return this.#open;
  }

  /** Commits at the end of this turn, or as soon as the commit under way is done. */
  schedule(): void {
    if (this.#isScheduled || this.#failure !== undefined) return;
    this.#isScheduled = true;
    if (!this.#isBusy) setImmediate(() => this.#commit());
  }

  /** The promise of a settlement that the next commit brings. */
  settled(): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#open.settlements.push({ resolve, reject });
    this.schedule();
    return promise;
  }

  /** The books of a group changed. */
  changed(group: Group, urgent: boolean): void {
    this.#open.groups.add(group);
    if (urgent) this.schedule();
    else if (!this.#isScheduled && !this.#isBusy) this.#scheduleLazily();
  }

  /** Commits what there is, for the last time, and resolves when nothing is under way. */
  async drain(): Promise<void> {
    clearTimeout(this.#lazyTimer);
    this.#isDraining = true;
    if (this.#failure !== undefined) return;
    this.schedule();
    await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
  }

  #scheduleLazily(): void {
    if (this.#isDraining) return;
    this.#lazyTimer ??= setTimeout(() => {
      this.#lazyTimer = undefined;
      this.schedule();
    }, LAZY_COMMIT_MS).unref();
  }

  async #commit(): Promise<void> {
    this.#isScheduled = this.#rest !== undefined;
    this.#isBusy = true;
    clearTimeout(this.#lazyTimer);
    this.#lazyTimer = undefined;
    const sealed = this.#seal();
    try {
      await this.#store.commit(this.#toStore(sealed)).then(
        ({ removed }) => this.#committed(sealed, removed),
        (error) => this.#refused(sealed, error),
      );
    } catch (error) {
      this.#fail(sealed, error);
    }
    this.#isBusy = false;
    if (this.#failure !== undefined) return;
    if (this.#isScheduled) void this.#commit();
    else if (this.#open.groups.size > 0) this.#scheduleLazily();
    if (!this.#isBusy) for (const resolve of this.#whenIdle.splice(0)) resolve();
  }

  #seal(): Sealed {
    const transaction = this.#rest ?? this.#open;
    const isRest = this.#rest !== undefined;
    if (!isRest) this.#open = new Transaction();
    this.#rest = undefined;
    // The receipts that changed are of publishes in the open transaction, which the rest of another goes before.
    const producers = isRest ? { changed: [], forgotten: [] } : this.#producers.seal();
    const batches = transaction.takeBatches().filter(({ stream }) => !stream.isDeleted);
    const groups = [...transaction.groups].map((group) => ({ group, changes: group.ledger.seal() }));
    const removals = groups.flatMap(({ group, changes }) =>
      removalsOf(group.stream as Stream, changes.acked),
    );
    for (const [stream, end] of transaction.purged) removals.push({ stream, first: 1, last: end - 1 });
    return { transaction, producers, batches, groups, removals };
  }

  #toStore({ transaction, producers, batches, groups, removals }: Sealed): StoreTransaction {
    const durable = <T extends { stream: Stream }>(items: readonly T[]) =>
      items.filter(({ stream }) => stream.isDurable && !stream.isDeleted);
    const ofFiles = groups.filter(({ group }) => isStored(group));
    const touched = new Set([...batches, ...removals].map(({ stream }) => stream));
    for (const stream of transaction.skipped) touched.add(stream);
    // Acks that free no whole batch change the number of messages all the same.
    for (const { group, changes } of groups)
      if (changes.acked.length > 0) touched.add(group.stream as Stream);
    const added = messagesByStream(batches);
    return {
      deletedStreams: transaction.deletedStreams.filter((stream) => stream.isDurable).map(({ id }) => id),
      createdStreams: transaction.createdStreams
        .filter((stream) => stream.isDurable && !stream.isDeleted)
        .map((s) => s.toStored()),
      batches: durable(batches).map(({ stream, batch }) => ({ streamId: stream.id, batch })),
      streams: durable([...touched].map((stream) => ({ stream }))).map(({ stream }) => ({
        id: stream.id,
        nextSequence: stream.nextSequence,
        messages: stream.messages + (added.get(stream) ?? 0),
      })),
      groups: ofFiles.map(({ group, changes: { ackFloor, readPosition } }) => {
        const { id, name, createdAt } = group;
        return { id, name, createdAt, streamId: (group.stream as Stream).id, ackFloor, readPosition };
      }),
      windows: ofFiles.flatMap(({ group, changes }) =>
        changes.windows.map((window) => ({ groupId: group.id, ...window })),
      ),
      droppedWindows: ofFiles.flatMap(({ group, changes }) =>
        changes.droppedWindows.map((window) => ({ groupId: group.id, window })),
      ),
      removals: durable(removals).map(({ stream, first, last }) => ({ streamId: stream.id, first, last })),
      producers: producers.changed,
      forgottenProducers: producers.forgotten,
    };
  }

  /** The one place that confirms: the store has said that all of it is durable. */
  #committed(sealed: Sealed, removed: readonly { streamId: number; bytes: number }[]): void {
    const { transaction, batches, groups, removals } = sealed;
    const touched = new Set<Stream>();
    for (const { stream, batch } of batches) {
      stream.log.append(batch);
      stream.durableNext = batch.last + 1;
      stream.messages += batch.count;
      stream.bytes += batch.bytes;
      touched.add(stream);
    }
    const freed = new Map(removed.map(({ streamId, bytes }) => [streamId, bytes]));
    for (const { stream, first, last } of removals) {
      const bytes = first === 1 ? stream.log.removeThrough(last) : stream.log.remove(first, last);
      if (!stream.isDurable) stream.bytes -= bytes;
      else {
        stream.bytes -= freed.get(stream.id) ?? 0;
        freed.delete(stream.id);
      }
      touched.add(stream);
    }
    for (const { group } of groups) touched.add(group.stream as Stream);
    for (const publish of transaction.publishes) publish.resolve();
    for (const settlement of transaction.settlements) settlement.resolve();
    this.#events.committed(touched);
  }

  /** Nothing of it was stored. When there is no room, publishes are refused and acks try again by themselves. */
  #refused(sealed: Sealed, error: unknown): void {
    const isFull = error instanceof SimpleMQError && error.code === 'StorageFull';
    if (!isFull) throw error;
    const { transaction, batches, groups } = sealed;
    const brought = transaction.publishes.length + transaction.createdStreams.length;
    // Without the publishes that are refused there may be room for the acks, which free some.
    if (brought > 0) {
      this.#rest = new Transaction();
      this.schedule();
    }
    const next = this.#rest ?? this.#open;
    this.#producers.unseal(sealed.producers);
    this.#refusePublishes(transaction, batches, next, error);
    for (const stream of transaction.skipped) next.skipped.add(stream);
    // What waits already to be published may be for a stream that does not come to be.
    if (transaction.createdStreams.length > 0) {
      this.#refusePublishes(this.#open, this.#open.takeBatches(), next, error);
    }
    for (const stream of transaction.createdStreams) this.#events.notCreated(stream);
    for (const { group, changes } of groups) {
      group.ledger.unseal(changes);
      next.groups.add(group);
    }
    for (const [stream, end] of transaction.purged) {
      next.purged.set(stream, Math.max(end, next.purged.get(stream) ?? 0));
    }
    next.deletedStreams.push(...transaction.deletedStreams);
    if (brought === 0) for (const settlement of transaction.settlements) settlement.reject(error);
    else next.settlements.push(...transaction.settlements);
    this.#events.committed(new Set(batches.map(({ stream }) => stream)));
  }

  /** Their sequence numbers are used up: they were given out, and nothing will have them. */
  #refusePublishes(from: Transaction, batches: Sealed['batches'], next: Transaction, error: Error): void {
    for (const { stream, batch } of batches) {
      stream.durableNext = batch.last + 1;
      next.skipped.add(stream);
    }
    for (const publish of from.publishes.splice(0)) publish.reject(error);
  }

  #fail({ transaction }: Sealed, cause: unknown): void {
    const error =
      cause instanceof SimpleMQError
        ? cause
        : new StorageFailed(`a commit failed: ${cause instanceof Error ? cause.message : String(cause)}`, {
            cause,
          });
    this.#failure = error;
    for (const { publishes, settlements } of [transaction, this.#rest ?? new Transaction(), this.#open]) {
      for (const settlement of [...publishes, ...settlements]) settlement.reject(error);
    }
    this.#open = new Transaction();
    for (const resolve of this.#whenIdle.splice(0)) resolve();
    this.#events.failed(error);
  }
}

function isStored(group: Group): boolean {
  const stream = group.stream as Stream;
  return stream.isDurable && !stream.isDeleted;
}

function messagesByStream(batches: readonly { stream: Stream; batch: Batch }[]): Map<Stream, number> {
  const messages = new Map<Stream, number>();
  for (const { stream, batch } of batches) messages.set(stream, (messages.get(stream) ?? 0) + batch.count);
  return messages;
}
