import type { StoredGroup, StoredPosition, StoreTransaction } from '../store.ts';
import type { CommitMeta } from './commit-record.ts';

interface KnownGroup {
  readonly streamId: number;
  policy: StoredGroup['policy'];
  /** By lane. */
  readonly positions: (StoredPosition | undefined)[];
}

/**
 * What the database has of each group, so that an ack costs one statement: a transaction names its groups whole, and
 * mostly one position of one lane is all that changed.
 */
export class KnownGroups {
  readonly #groups = new Map<number, KnownGroup>();

  constructor(stored: readonly StoredGroup[]) {
    for (const group of stored) {
      const known = this.#add(group);
      for (const position of group.positions) known.positions[position.lane] = position;
    }
  }

  /** What of the transaction the database does not have yet; from now on it counts as known. */
  takeChanges(
    transaction: Pick<StoreTransaction, 'deletedStreams' | 'deletedGroups' | 'groups'>,
  ): Pick<Required<CommitMeta>, 'groups' | 'positions'> {
    const { deletedStreams, deletedGroups } = transaction;
    if (deletedStreams.length > 0) this.#removeStreams(new Set(deletedStreams));
    for (const id of deletedGroups) this.#groups.delete(id);
    const groups: Omit<StoredGroup, 'positions'>[] = [];
    const positions: number[] = [];
    for (const group of transaction.groups) {
      const known = this.#groups.get(group.id);
      if (known === undefined || !hasSameValues(known.policy, group.policy)) {
        const { id, streamId, name, createdAt, policy } = group;
        groups.push({ id, streamId, name, createdAt, policy });
      }
      const { positions: places } = known ?? this.#add(group);
      if (known !== undefined) known.policy = group.policy;
      for (const position of group.positions) {
        if (isSamePosition(places[position.lane], position)) continue;
        places[position.lane] = position;
        positions.push(group.id, position.lane, position.ackFloor, position.readPosition, position.ordinal);
      }
    }
    return { groups, positions };
  }

  /** The transaction was refused: its groups go whole into the next that names them. */
  forget({ groups }: Pick<StoreTransaction, 'groups'>): void {
    for (const { id } of groups) this.#groups.delete(id);
  }

  #add({ id, streamId, policy }: StoredGroup): KnownGroup {
    const known: KnownGroup = { streamId, policy, positions: [] };
    this.#groups.set(id, known);
    return known;
  }

  #removeStreams(ids: ReadonlySet<number>): void {
    for (const [id, { streamId }] of this.#groups) if (ids.has(streamId)) this.#groups.delete(id);
  }
}

/** Values that are objects are the same only if they are the same object; else the policy is stored once more. */
function hasSameValues(known: StoredGroup['policy'], policy: StoredGroup['policy']): boolean {
  if (known === policy) return true;
  const names = Object.keys(policy);
  return names.length === Object.keys(known).length && names.every((name) => known[name] === policy[name]);
}

function isSamePosition(known: StoredPosition | undefined, position: StoredPosition): boolean {
  return (
    known !== undefined &&
    known.ackFloor === position.ackFloor &&
    known.readPosition === position.readPosition &&
    known.ordinal === position.ordinal
  );
}
