import { SimpleMQError, StorageFailed } from '@simplemq/protocol';
import type { SteadyClock } from '../clock.ts';
import type { Group, GroupChanges } from '../group/group.ts';
import { WINDOW_FORMAT } from '../group/window-state.ts';
import { append } from '../lists.ts';
import type { Store, StoreTransaction } from '../store/store.ts';
import type { Lane } from '../stream/lane.ts';
import type { Stream } from '../stream/stream.ts';
import { isGroupBehind, type Removal, removalsOf, sweep } from '../stream/work-retention.ts';
import { NO_PRODUCERS, type Producers, type SealedProducers } from './producers.ts';
import { toStore } from './to-store.ts';
import { type Move, type PlacedBatch, Transaction } from './transaction.ts';

/** Changes that nobody waits for are stored with the next commit, or after this time. */
const LAZY_COMMIT_MS = 100;

export interface CommitterParts {
  readonly store: Store;
  readonly producers: Producers;
  readonly clock: SteadyClock;
}

export interface CommitterEvents {
  /** The batches of these streams became durable, or messages of them were removed. */
  committed(streams: ReadonlySet<Stream>): void;
  /** A stream could not be created for want of room. */
  notCreated(stream: Stream): void;
  failed(error: SimpleMQError): void;
}

/** A transaction as it goes to the store: nothing is added to it any more. */
export interface Sealed {
  readonly transaction: Transaction;
  /** What producers may ask for again; it goes with the batches of their publishes, and never without. */
  readonly producers: SealedProducers;
  readonly batches: readonly PlacedBatch[];
  readonly groups: readonly { readonly group: Group; readonly changes: GroupChanges }[];
  readonly removals: readonly Removal[];
  /** As its books are now: what is placed in the next one is in none of them. */
  readonly stored: StoreTransaction;
}

/**
 * Group commit: everything that arrived while the last commit was under way is one transaction. Who waits for it is
 * answered here and nowhere else, after the store has said that it is durable.
 */
export class Committer {
  readonly #store: Store;
  readonly #producers: Producers;
  readonly #clock: SteadyClock;
  readonly #events: CommitterEvents;
  #open = new Transaction();
  // What is left of a transaction that was refused, to be committed by itself before the open one. It is sealed before
  // anybody hears of that, who might go on with something that belongs to the open one.
  #rest: Sealed | undefined;
  #isBusy = false;
  #underWay: Transaction | undefined;
  #isScheduled = false;
  #isDraining = false;
  #failure: SimpleMQError | undefined;
  #lazyTimer: NodeJS.Timeout | undefined;
  #whenIdle: (() => void)[] = [];

  constructor({ store, producers, clock }: CommitterParts, events: CommitterEvents) {
    this.#store = store;
    this.#producers = producers;
    this.#clock = clock;
    this.#events = events;
  }

  /** What is being collected for the next commit; `schedule` must follow whatever is added to it. */
  get open(): Transaction {
    return this.#open;
  }

  /** Whether something that the group is done with comes back to it if there turns out to be no room. */
  mayGiveBack(group: Group): boolean {
    const waiting = [this.#underWay, this.#rest?.transaction, this.#open];
    return waiting.some((transaction) => transaction?.revocable.has(group));
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

  /** The promise of something that needs room: refused, with all that it changed undone, when there is none. */
  stored(): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#open.publishes.push({ resolve, reject });
    this.schedule();
    return promise;
  }

  /**
   * The promise of something that only moves, which `place` adds to the open transaction. When that is refused, others
   * that need room may be to blame: then it is placed once more, without them.
   */
  moved(place: () => void): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#place({ place, isAgain: false, resolve, reject });
    return promise;
  }

  /** The books of a group changed. */
  changed(group: Group, urgent: boolean): void {
    this.#open.groups.add(group);
    if (urgent) this.schedule();
    else if (!this.#isScheduled && !this.#isBusy) this.#scheduleLazily();
  }

  /** Something was added to the open transaction that nobody waits for. */
  scheduleLazily(): void {
    if (!this.#isScheduled && !this.#isBusy) this.#scheduleLazily();
  }

  /** Commits what there is, and resolves when nothing is under way; `close` is to follow. */
  async drain(): Promise<void> {
    clearTimeout(this.#lazyTimer);
    this.#isDraining = true;
    if (this.#failure !== undefined) return;
    this.schedule();
    await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
  }

  /**
   * Nothing is stored any more, and so nothing is confirmed: who goes on after the last commit, with what takes two, is
   * told the reason.
   */
  close(reason: SimpleMQError): void {
    if (this.#failure !== undefined) return;
    this.#failure = reason;
    this.#refuseAll(reason);
    // What is under way is answered when it is done.
    if (!this.#isBusy) this.#tellIdle();
  }

  #scheduleLazily(): void {
    if (this.#isDraining) return;
    this.#lazyTimer ??= setTimeout(() => {
      this.#lazyTimer = undefined;
      this.schedule();
    }, LAZY_COMMIT_MS).unref();
  }

  #place(move: Move): void {
    const transaction = this.#open;
    const { bytes } = transaction;
    move.place();
    transaction.movedBytes += transaction.bytes - bytes;
    transaction.moves.push(move);
    this.schedule();
  }

  /** @param rest what is left of the transaction that was refused: nobody adds to it but what is placed here */
  #placeInRest(moves: readonly Move[], rest: Transaction, error: Error): void {
    const open = this.#open;
    this.#open = rest;
    for (const move of moves) {
      if (move.isAgain) move.reject(error);
      else this.#placeAgain({ ...move, isAgain: true });
    }
    this.#open = open;
  }

  #placeAgain(move: Move): void {
    try {
      this.#place(move);
    } catch (error) {
      move.reject(error as Error);
    }
  }

  async #commit(): Promise<void> {
    if (this.#failure !== undefined) return;
    this.#isScheduled = this.#rest !== undefined;
    this.#isBusy = true;
    clearTimeout(this.#lazyTimer);
    this.#lazyTimer = undefined;
    const sealed = this.#rest ?? this.#seal(this.#open);
    this.#underWay = sealed.transaction;
    this.#rest = undefined;
    try {
      const { movedBytes } = sealed.transaction;
      await this.#store.commit(sealed.stored, movedBytes).then(
        ({ removed }) => this.#committed(sealed, removed),
        (error) => this.#refused(sealed, error),
      );
    } catch (error) {
      this.#fail(sealed, error);
    }
    this.#underWay = undefined;
    this.#isBusy = false;
    if (this.#failure !== undefined) {
      // It may have been closed meanwhile, and what it had under way refused for want of room.
      this.#refuseAll(this.#failure);
      this.#tellIdle();
      return;
    }
    if (this.#isScheduled) void this.#commit();
    else if (this.#open.groups.size > 0) this.#scheduleLazily();
    if (!this.#isBusy) this.#tellIdle();
  }

  #tellIdle(): void {
    for (const resolve of this.#whenIdle.splice(0)) resolve();
  }

  #seal(transaction: Transaction): Sealed {
    const isRest = transaction !== this.#open;
    if (!isRest) this.#open = new Transaction();
    // The receipts that changed are of publishes in the open transaction, which the rest of another goes before.
    const producers = isRest ? NO_PRODUCERS : this.#producers.seal();
    const batches = transaction.takeBatches().filter(({ stream }) => !stream.isDeleted);
    transaction.sealDedup(Math.floor(this.#clock.now()));
    // What is stored by the steady clock counts from there in the next run, which may begin before anybody else looks.
    const offsetMs = this.#clock.noticeStep();
    if (offsetMs !== undefined) transaction.clockOffsetMs.push(offsetMs);
    const groups = [...transaction.groups]
      .filter((group) => !group.isClosed)
      .map((group) => ({ group, changes: group.seal() }));
    const removals = groups.flatMap(({ group, changes }) => workRemovals(group, changes));
    append(removals, transaction.removals);
    // Not before: an ack that was to be taken back is by now.
    for (const stream of transaction.swept) append(removals, sweep(stream));
    const sealed = { transaction, producers, batches, groups, removals };
    return { ...sealed, stored: toStore(sealed, WINDOW_FORMAT, this.#clock) };
  }

  /** The one place that confirms: the store has said that all of it is durable. */
  #committed(sealed: Sealed, removed: readonly { streamId: number; bytes: number }[]): void {
    const { transaction, batches, groups, removals } = sealed;
    const touched = new Set<Stream>(transaction.touched);
    for (const { stream, lane, batch } of batches) {
      lane.log.append(batch);
      lane.durableOrdinal = batch.ordinal + batch.count;
      lane.durableEnd = batch.last + 1;
      stream.durableNext = batch.last + 1;
      stream.messages += batch.count;
      stream.bytes += batch.bytes;
      unreserve(stream, batch);
      touched.add(stream);
    }
    const freed = new Map(removed.map(({ streamId, bytes }) => [streamId, bytes]));
    for (const { stream, lane, first, last } of removals) {
      const { log } = stream.lane(lane);
      const bytes = first === 1 ? log.removeThrough(last) : log.remove(first, last);
      if (!stream.isDurable) stream.bytes -= bytes;
      else {
        stream.bytes -= freed.get(stream.id) ?? 0;
        freed.delete(stream.id);
      }
      touched.add(stream);
    }
    for (const { group, changes } of groups) {
      group.committed(changes);
      touched.add(group.stream as Stream);
    }
    for (const publish of transaction.publishes) publish.resolve();
    for (const move of transaction.moves) move.resolve();
    for (const settlement of transaction.settlements) settlement.resolve();
    this.#events.committed(touched);
  }

  /**
   * Nothing of it was stored. When there is no room, what needs some is refused, with all that was changed in memory
   * for its sake undone; acks try again by themselves.
   */
  #refused(sealed: Sealed, error: unknown): void {
    const isFull = error instanceof SimpleMQError && error.code === 'StorageFull';
    if (!isFull) throw error;
    const { transaction, batches, groups } = sealed;
    const { createdStreams, publishes, moves, undo } = transaction;
    const brought = publishes.length + createdStreams.length + batches.length + undo.length + moves.length;
    // What waits already may count on what was refused: on a stream that does not come to be, a message id, a place. And
    // what it would take back itself is in the books of groups, which the rest is stored with: it is not to be in part.
    const isMixed = createdStreams.length > 0 || undo.length > 0 || this.#open.undo.length > 0;
    // Without what is refused there may be room for the acks, which free some.
    const rest = brought > 0 ? new Transaction() : undefined;
    if (rest !== undefined) this.schedule();
    const next = rest ?? this.#open;
    this.#producers.unseal(sealed.producers);
    for (const { group, changes } of groups) {
      group.unseal(changes);
      next.groups.add(group);
    }
    // In reverse: what came later was built on what came before.
    if (isMixed) this.#open.takeBack();
    // The books of groups go with the rest as they are by now, and so what else was taken out of them meanwhile.
    rest?.takeRemovals(this.#open);
    this.#refusePublishes(transaction, batches, next, error);
    for (const stream of transaction.skipped) next.skipped.add(stream);
    if (isMixed) this.#refusePublishes(this.#open, this.#open.takeBatches(), next, error);
    const refusedWith = isMixed ? this.#open.moves.splice(0) : [];
    for (const stream of createdStreams) this.#events.notCreated(stream);
    keepForNext(transaction, next);
    if (brought === 0) for (const settlement of transaction.settlements) settlement.reject(error);
    else append(next.settlements, transaction.settlements);
    if (rest !== undefined) this.#placeInRest(moves, rest, error);
    this.#events.committed(new Set(batches.map(({ stream }) => stream)));
    if (rest !== undefined) {
      // What its streams count is without what was acked since, so that goes with it too.
      const created = new Set(this.#open.createdStreams);
      for (const group of this.#open.groups) {
        const stream = group.stream as Stream;
        if (!created.has(stream) && (rest.skipped.has(stream) || rest.touched.has(stream)))
          rest.groups.add(group);
      }
      this.#rest = this.#seal(rest);
    }
    // Only now, so that nothing of it is in the books that the rest is stored with.
    for (const move of refusedWith) this.#placeAgain(move);
  }

  /**
   * Their sequence numbers are used up: they were given out, and nothing will have them. Their ordinals are not, as those
   * count the messages that there are: what comes behind them moves up.
   */
  #refusePublishes(from: Transaction, batches: Sealed['batches'], next: Transaction, error: Error): void {
    const refused = new Map<Lane, number>();
    for (const { stream, lane, batch } of batches) {
      stream.durableNext = batch.last + 1;
      lane.nextOrdinal -= batch.count;
      refused.set(lane, (refused.get(lane) ?? 0) + batch.count);
      unreserve(stream, batch);
      next.skipped.add(stream);
    }
    this.#open.moveUp(refused);
    from.sealDedup(Math.floor(this.#clock.now()));
    from.takeBack();
    from.delayed.length = 0;
    from.dedup.length = 0;
    from.movedBytes = 0;
    from.schedules.clear();
    from.bytes = 0;
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
    this.#refuseAll(error, transaction);
    this.#tellIdle();
    this.#events.failed(error);
  }

  #refuseAll(reason: SimpleMQError, underWay: Transaction = new Transaction()): void {
    for (const { publishes, moves, settlements } of [
      underWay,
      this.#rest?.transaction ?? new Transaction(),
      this.#open,
    ]) {
      for (const settlement of [...publishes, ...moves, ...settlements]) settlement.reject(reason);
    }
    this.#rest = undefined;
    this.#open = new Transaction();
  }
}

function workRemovals(group: Group, { lanes }: GroupChanges): Removal[] {
  const stream = group.stream as Stream;
  if (!stream.isWork) return [];
  return lanes.flatMap(({ lane, changes: { done, gaps } }) => {
    // A batch goes with the last of its messages that the last group is done with.
    if (gaps.length === 0 || isGroupBehind(stream, lane.number, done, group)) return [];
    return removalsOf(stream, lane.lane, gaps, group);
  });
}

function unreserve(stream: Stream, batch: PlacedBatch['batch']): void {
  stream.reservedMessages -= batch.count;
  stream.reservedBytes -= batch.bytes;
}

/** What needs no room, or frees some, is tried again. */
function keepForNext(from: Transaction, next: Transaction): void {
  append(next.deletedStreams, from.deletedStreams);
  append(next.deletedGroups, from.deletedGroups);
  for (const stream of from.updatedStreams) next.updatedStreams.add(stream);
  for (const stream of from.touched) next.touched.add(stream);
  append(next.removals, from.removals);
  for (const stream of from.swept) next.swept.add(stream);
  append(next.removedDelayed, from.removedDelayed);
  append(next.failures, from.failures);
  for (const group of from.forgottenFailures) next.forgottenFailures.add(group);
  append(next.droppedDedup, from.droppedDedup);
  for (const name of from.deletedSchedules) next.deletedSchedules.add(name);
  next.clockOffsetMs.unshift(...from.clockOffsetMs);
}
