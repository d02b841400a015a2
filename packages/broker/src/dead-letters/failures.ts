import type { Transaction } from '../commit/transaction.ts';
import type { Span } from '../group/entry.ts';
import type { Failure, Group } from '../group/group.ts';
import type { Store, StoredFailure } from '../store/store.ts';
import type { Stream } from '../stream/stream.ts';

/** Failures of one group of a memory stream past which those of what is done are forgotten. */
const SWEEP_SIZE = 1_024;

/** How deliveries failed: in the store, or in memory for memory streams. */
export class Failures {
  readonly #store: Store;
  readonly #memory = new WeakMap<Group, StoredFailure[]>();

  constructor(store: Store) {
    this.#store = store;
  }

  record(transaction: Transaction, group: Group, failure: Failure): void {
    const stored: StoredFailure = { groupId: group.id, at: Date.now(), ...failure };
    if ((group.stream as Stream).isDurable) transaction.failures.push(stored);
    else this.#remember(group, stored);
  }

  /** The group begins anew. */
  forget(transaction: Transaction, group: Group): void {
    if (group.hasFailures) transaction.forgottenFailures.add(group);
    this.#memory.delete(group);
  }

  /** Of messages `first` to `last`, oldest first; what was recorded since the last commit is not among them. */
  async of(group: Group, { first, last }: Span): Promise<readonly StoredFailure[]> {
    if (!group.hasFailures) return [];
    if ((group.stream as Stream).isDurable)
      return this.#store.readFailures({ groupId: group.id, first, last });
    return (this.#memory.get(group) ?? []).filter(
      (failure) => failure.first <= last && failure.last >= first,
    );
  }

  #remember(group: Group, failure: StoredFailure): void {
    const known = this.#memory.get(group) ?? [];
    known.push(failure);
    const floor = group.ackFloor;
    const isDue = known.length % SWEEP_SIZE === 0;
    this.#memory.set(group, isDue ? known.filter(({ last }) => last > floor) : known);
  }
}
