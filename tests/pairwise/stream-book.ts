import type { GroupBook } from './group-book.ts';
import type { Entry, Publication } from './publication.ts';

/** What was published to a stream, where it is, and what its groups make of it. */
export class StreamBook {
  readonly name: string;
  readonly isWork: boolean;
  /** Whether it may lose its oldest messages at any time. */
  readonly trims: boolean;
  /** Whether it outlives a restart. */
  readonly survives: boolean;
  readonly publications: Map<string, Publication> = new Map();
  readonly entries: Map<number, Entry> = new Map();
  readonly groups: Map<string, GroupBook> = new Map();
  /** As the broker told last. */
  firstSequence = 1;
  nextSequence = 1;
  /** No purge was asked for that goes past it. */
  purgedTo = 1;
  /** By how much delays may seem too short, after restarts. */
  clockSlackMs = 0;
  /** How often each message may have been redriven, by group and body. */
  readonly redriven: Map<string, number> = new Map();
  /** Those that were, for certain; one for each time. */
  readonly sureRedriven: string[] = [];
  /** Dead letters that were taken away, or may have been, as a crash has hidden it; by group and sequence number. */
  readonly takenLetters: Set<string> = new Set();
  /** Dead letters that are being taken away, by their number. */
  readonly lettersAskedFor: Set<number> = new Set();
  /** Messages that every group is done with, on a stream with retention `work`. */
  readonly #gone = new Set<number>();

  constructor(fields: { name: string; isWork: boolean; trims: boolean; survives: boolean }) {
    this.name = fields.name;
    this.isWork = fields.isWork;
    this.trims = fields.trims;
    this.survives = fields.survives;
  }

  publish(publication: Publication): void {
    this.publications.set(publication.body, publication);
  }

  /**
   * A message was told to have this number, by a receipt, a delivery or a read.
   *
   * @throws Error when that cannot be
   */
  bind(sequence: number, body: string, group: string | undefined): Entry {
    const known = this.entries.get(sequence);
    if (known !== undefined && known.publication.body !== body) {
      throw new Error(`${sequence} is '${body}', and was '${known.publication.body}'`);
    }
    const publication = this.publications.get(body);
    if (publication === undefined) throw new Error(`${sequence} is '${body}', which nobody published`);
    const { fate } = publication;
    if (fate !== 'asked' && fate !== 'stored' && fate !== 'delayed' && fate !== 'unknown') {
      throw new Error(`${sequence} is '${body}', which is ${fate}`);
    }
    if (known !== undefined) return known;
    if (group === undefined) this.#place(publication, sequence);
    else this.#placeAgain(publication, sequence, group);
    const entry = { sequence, publication, group };
    this.entries.set(sequence, entry);
    return entry;
  }

  #place(publication: Publication, sequence: number): void {
    const { body } = publication;
    if (publication.sequence !== undefined) {
      throw new Error(`'${body}' is ${sequence}, and was ${publication.sequence}`);
    }
    publication.sequence = sequence;
    publication.fate = 'stored';
  }

  #placeAgain({ body }: Publication, sequence: number, group: string): void {
    const times = [...this.entries.values()].filter(
      (entry) => entry.group === group && entry.publication.body === body,
    );
    if (times.length < (this.redriven.get(`${group} ${body}`) ?? 0)) return;
    throw new Error(`'${body}' is there again as ${sequence}, and was redriven ${times.length} times`);
  }

  isGone(sequence: number): boolean {
    return sequence < this.firstSequence || this.#gone.has(sequence);
  }

  /** A group is done with it, or the groups are others now. */
  noteDone(sequence: number): void {
    if (!this.isWork || this.groups.size === 0) return;
    const entry = this.entries.get(sequence)!;
    const groups = [...this.groups.values()];
    if (groups.every((group) => group.origin > sequence)) return;
    if (groups.every((group) => group.isThrough(entry))) this.#gone.add(sequence);
  }

  /** Whether it may be gone: every group is done with it, as far as is known. */
  mayBeGone(entry: Entry): boolean {
    const groups = [...this.groups.values()];
    return this.isGone(entry.sequence) || (this.isWork && groups.every((group) => group.mayBeThrough(entry)));
  }

  /** Whether it has no more than so many messages for certain, with those that are on their way to it. */
  hasAtMost(messages: number): boolean {
    const entries = [...this.entries.values()];
    const there = entries.filter(({ sequence }) => !this.isGone(sequence)).length;
    const coming = [...this.publications.values()].filter(
      ({ fate }) => fate === 'asked' || fate === 'delayed',
    );
    // While one that was delayed enters, the broker counts it in both places.
    const entering = coming.filter(({ fate, askedAt, attributes }) => {
      return fate === 'delayed' && askedAt + (attributes.delayMs ?? 0) <= performance.now() + 1;
    });
    const again = this.sureRedriven.length - entries.filter(({ group }) => group !== undefined).length;
    const known = there + coming.length + entering.length;
    return known + Math.max(0, again) + this.lettersAskedFor.size <= messages;
  }

  /** What has entered by now may be gone without having been seen. */
  notePassed(): void {
    const now = performance.now();
    for (const publication of this.publications.values()) {
      const { fate, askedAt, attributes } = publication;
      if (fate === 'delayed' && askedAt + (attributes.delayMs ?? 0) <= now) publication.mayBePassed = true;
    }
  }

  noteAllDone(): void {
    for (const sequence of this.entries.keys()) this.noteDone(sequence);
  }
}
