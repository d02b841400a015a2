import type { GroupOptions } from '@simplemq/protocol';
import { GroupPolicies } from './group-policies.ts';

/** How far a group is with a message that it was given. */
export interface Entry {
  readonly sequence: number;
  readonly body: string;
  readonly key: string | undefined;
  /**
   * `settling`: a settlement of it is under way. `done`: it must never come again. `dead`: it is in the dead letters.
   */
  state: 'held' | 'settling' | 'waiting' | 'done' | 'dead';
  /** Of the last delivery, and in which life of the broker, and when it was. */
  attempt: number;
  life: number;
  deliveredAt: number;
  deliveries: number;
  /** The number of the follower that has it, and when its lease ends. */
  owner: number;
  deadline: number;
  /** It was handed back unbegun: the next attempt may be the same. */
  isReleased: boolean;
  /** There was no room for what its ack was to bring: that delivery did not fail, and there is one more. */
  isRefused: boolean;
  /** The next attempt is this at least, whatever crashes. */
  attemptMin: number;
  isRejected: boolean;
}

/** A group was moved. */
export interface Replay {
  /** Nothing before it comes, once the move is answered. */
  readonly from: number;
  /** From there on everything comes; undefined until the move is answered. */
  allFrom: number | undefined;
  /** What came since then, or as it was asked for. */
  readonly seen: Set<number>;
}

/** What is known of a group of one stream, by what was seen of it. */
export class GroupBook {
  readonly name: string;
  readonly entries: Map<number, Entry> = new Map();
  /** Messages from there on must come to it; infinity while it is not known to be there. */
  obligedFrom: number = Number.POSITIVE_INFINITY;
  /** Something is under way that changes its books as a whole. */
  isLoose = false;
  /** How many such changes are under way. */
  changing = 0;
  /** It is being deleted, and made anew. */
  isGoing = false;
  readonly policies: GroupPolicies;
  /** Where it was moved to, if it was. */
  replay: Replay | undefined;
  /** The last that was seen for the first time, by lane; or by lane and key. */
  readonly newest: Map<string, number> = new Map();
  /** Messages of each key that are on their way. */
  readonly openOfKey: Map<string, Set<Entry>> = new Map();

  /** What followers had before it began anew. */
  readonly #former = new Set<string>();

  constructor(name: string, options: GroupOptions) {
    this.name = name;
    this.policies = new GroupPolicies(options);
  }

  /** Its books are about to change as a whole. @returns what is to be called when that is answered */
  changes(next: () => number): () => void {
    this.isLoose = true;
    this.changing++;
    this.#outdate();
    // Even if it is never answered it may be done.
    this.obligedFrom = Number.POSITIVE_INFINITY;
    return () => {
      this.forget(next());
      this.isLoose = --this.changing > 0;
      if (!this.isLoose) this.isGoing = false;
    };
  }

  /** The broker is there again: whatever was under way is over. */
  settle(next: number): void {
    if (this.isLoose) this.forget(this.isGoing ? Number.POSITIVE_INFINITY : next);
    this.isLoose = false;
    this.isGoing = false;
    this.changing = 0;
    if (this.replay?.allFrom === undefined) this.replay = undefined;
  }

  /** Begins anew: what was is of no matter, but that a settlement of it may come yet. */
  forget(obligedFrom: number): void {
    this.#outdate();
    this.entries.clear();
    this.newest.clear();
    this.openOfKey.clear();
    this.obligedFrom = obligedFrom;
  }

  /** It is delivered anew, and its group may have begun anew before that. */
  outdate(entry: Entry): void {
    if (entry.state !== 'done' && entry.state !== 'dead') this.#former.add(deliveryOf(entry));
  }

  #outdate(): void {
    for (const entry of this.entries.values()) this.outdate(entry);
  }

  /** Whether a settlement of the entry may be one of what its follower had before the group began anew. */
  mayBeFormer(entry: Entry): boolean {
    return this.#former.has(deliveryOf(entry));
  }

  /** What comes before it is gone from the stream. */
  trim(firstSequence: number): void {
    for (const [sequence, entry] of this.entries) {
      if (sequence >= firstSequence) continue;
      this.entries.delete(sequence);
      if (entry.key !== undefined) this.openOfKey.get(entry.key)?.delete(entry);
    }
  }
}

/** What a settlement names, to the broker that handed it out. */
function deliveryOf({ life, owner, sequence, attempt }: Entry): string {
  return `${life} ${owner} ${sequence} ${attempt}`;
}

/** What is known of a stream, which is another one when it is deleted and created again. */
export class StreamBook {
  readonly id: number;
  readonly name: string;
  readonly groups: Map<string, GroupBook> = new Map();
  /** What is stored of it, or was. */
  readonly bodies: Map<number, string> = new Map();
  /** When they were taken in, by the wall clock. */
  readonly times: Map<number, number> = new Map();
  readonly sequences: Map<string, number> = new Map();
  /** For each message id when it was stored last, in ms since the run began. */
  readonly ids: Map<string, number> = new Map();
  /** The last number of each publisher in each lane. */
  readonly newest: Map<string, number> = new Map();
  /** Redriven messages, and the group that each is for. */
  readonly redriven: Map<number, string> = new Map();
  /** It is being trimmed, or may be at any time. */
  isLoose = false;
  mayBeTrimmed = false;
  wasPurged = false;
  readonly #optionsOf: (group: string) => GroupOptions;

  constructor(id: number, name: string, optionsOf: (group: string) => GroupOptions) {
    this.#optionsOf = optionsOf;
    this.id = id;
    this.name = name;
  }

  group(name: string): GroupBook {
    let group = this.groups.get(name);
    if (group === undefined) {
      group = new GroupBook(name, this.#optionsOf(name));
      this.groups.set(name, group);
    }
    return group;
  }
}
