import type { DeadLetter, GroupOptions, StreamOptions } from '@simplemq/protocol';
import type { PlacedBatch } from '../../packages/broker/src/engine/engine.ts';
import type { Settling } from './delivery-checks.ts';
import type { Disk, DiskWatcher, StoredMessage } from './disk.ts';
import { type GroupBook, StreamBook } from './group-book.ts';
import { checkTrimmed } from './limit-checks.ts';
import { MemoryBook, MemoryStreamBook } from './memory-book.ts';
import { isDelayed, type Publication, Publications } from './publications.ts';
import type { Rule, Violation } from './rules.ts';
import { ScheduleBook } from './schedule-book.ts';
import type { SimulatedTime } from './simulated-time.ts';

/** What was delivered so long before a crash is on the disk: lazy commits wait a tenth of this. */
const SURE_MS = 1_000;
/** Message ids are compared this much short of their window. */
const ID_SLACK_MS = 2_000;

/** How a run of the broker ended. */
interface Life {
  endedAt: number;
  isGraceful: boolean;
}

/** What the groups and streams of a run are like, as far as the rules depend on it. */
export interface Expected {
  readonly isMemory: (stream: string) => boolean;
  readonly optionsOf: (group: string) => GroupOptions;
  readonly isKeyed: (group: string) => boolean;
  readonly dedupWindowMsOf: (stream: string) => number;
  readonly mayBeTrimmed: (stream: string) => boolean;
  readonly mayReject: (stream: string) => boolean;
  readonly limitsOf: (stream: string) => StreamOptions;
}

/** What was seen of the broker, on the disk and by its followers, held against what is promised. */
export class Book implements DiskWatcher {
  readonly publications: Publications = new Publications();
  /** Those on the disk, by their ids there. */
  readonly streams: Map<number, StreamBook> = new Map();
  readonly memory: MemoryBook = new MemoryBook(this);
  readonly counts: Map<string, number> = new Map();
  readonly expected: Expected;
  readonly time: SimulatedTime;
  disk!: Disk;
  violation: Violation | undefined;
  /** The number of the run of the broker that is under way. */
  life = 0;
  /** Transactions that were asked for, with what they ack. */
  readonly transactions: { readonly asked: Settling; readonly publications: readonly Publication[] }[] = [];
  /** Hears of all that happens to a message. */
  onTrail: ((stream: string, sequence: number, what: string) => void) | undefined;
  /** Names of streams that were deleted: what was confirmed before may be gone. */
  readonly deletedNames: Set<string> = new Set();
  readonly schedules: ScheduleBook;
  /** The wall clock was never set. */
  isClockRight = true;
  /** When the broker that is there began to take requests, in ms since the run began. */
  #openedAt = Number.POSITIVE_INFINITY;
  readonly #lives: Life[] = [];
  readonly #unhealthy: { from: number; to: number }[] = [];
  readonly #letters = new Map<string, number>();

  constructor(time: SimulatedTime, expected: Expected) {
    this.time = time;
    this.expected = expected;
    this.schedules = new ScheduleBook({
      time,
      violate: (rule, text) => this.violate(rule, text),
      count: (what) => this.count(what),
      wasWellFor: (ms) => this.#wasWellFor(ms),
      mayReject: expected.mayReject,
    });
  }

  violate(rule: Rule, text: string): void {
    this.violation ??= { rule, text, atMs: this.time.now };
  }

  count(what: string, by = 1): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + by);
  }

  /** All that there are, on the disk or in memory. */
  *allStreams(): Iterable<StreamBook> {
    yield* this.streams.values();
    yield* this.memory.all();
  }

  /** The stream that has the name, on the disk or in the memory of the broker that is there. */
  stream(name: string): StreamBook | undefined {
    if (this.expected.isMemory(name)) return this.memory.get(name);
    const id = this.disk.stream(name)?.id;
    return id === undefined ? undefined : this.streamById(id, name);
  }

  streamById(id: number, name: string): StreamBook {
    let stream = this.streams.get(id);
    if (stream === undefined) {
      stream = new StreamBook(id, name, this.expected.optionsOf);
      stream.mayBeTrimmed = this.expected.mayBeTrimmed(name);
      this.streams.set(id, stream);
    }
    return stream;
  }

  /** The broker is gone, by a crash or because it was stopped. */
  ended(isGraceful: boolean): void {
    this.#openedAt = Number.POSITIVE_INFINITY;
    this.memory.lose();
    this.#lives[this.life] = { endedAt: this.time.now, isGraceful };
  }

  /** Where a stream begins. A purge that was not answered may have got to its number before it took the messages. */
  #firstOf(streamId: number): number {
    const { streams, rows } = this.disk.model;
    const { firstSequence = 1 } = streams.get(streamId) ?? {};
    const before = rows.filter((row) => row.streamId === streamId && row.batch.last < firstSequence);
    return Math.min(firstSequence, ...before.map(({ batch }) => batch.first));
  }

  /** The broker is there again: whatever changes of whole streams and groups were under way have been made, or not. */
  began(): void {
    this.life++;
    for (const stream of this.streams.values()) {
      const first = this.#firstOf(stream.id);
      const mayComeBack = stream.mayBeTrimmed || stream.isLoose;
      stream.isLoose = false;
      for (const group of stream.groups.values()) {
        group.trim(first);
        group.settle(this.disk.stream(stream.name)?.nextSequence ?? 1);
        // What was dropped, and comes back as that was not stored yet, comes behind what came since.
        if (mayComeBack) group.newest.clear();
      }
    }
  }

  /** It takes requests. */
  opened(): void {
    this.#openedAt = this.time.now;
  }

  /** The storage is full or slow. @returns what says that it is no longer */
  unhealthy(): () => void {
    const spell = { from: this.time.now, to: Number.POSITIVE_INFINITY };
    this.#unhealthy.push(spell);
    return () => {
      spell.to = this.time.now;
    };
  }

  /** Whether what was delivered then, in that life, must be on the disk. */
  isSure(life: number, at: number): boolean {
    const end = this.#lives[life];
    if (end === undefined) return true;
    if (this.#unhealthy.some(({ from, to }) => from <= end.endedAt && to >= at)) return false;
    return end.isGraceful || end.endedAt - at > SURE_MS;
  }

  trimmed(streamId: number, name: string, from: number, to: number): void {
    checkTrimmed(this, this.streamById(streamId, name), from, to);
  }

  deleted(streamId: number): void {
    this.streams.delete(streamId);
  }

  stored({ streamId, stream: name, sequence, lane, time, record }: StoredMessage): void {
    const stream = this.streamById(streamId, name);
    const { body, attributes } = record;
    const where = `${body} in ${name} as ${sequence}`;
    const before = stream.bodies.get(sequence);
    if (before !== undefined) this.violate('sequenceTwice', `${where}, which was ${before}`);
    stream.bodies.set(sequence, body);
    stream.times.set(sequence, time);
    this.onTrail?.(name, sequence, `${body} is stored`);
    const publication = this.publications.get(body);
    if (publication === undefined) this.violate('notPublished', `${where} was never published`);
    else if (attributes.dead !== undefined) this.buried(attributes.dead, body);
    else if (attributes.group !== undefined) this.#redriven(stream, sequence, body, attributes.group);
    else if (publication.schedule !== undefined)
      this.schedules.stored(publication.schedule, publication, time);
    else this.#entered(stream, sequence, publication, lane);
  }

  /** A message is in its stream. */
  #entered(stream: StreamBook, sequence: number, publication: Publication, lane: number): void {
    const { body } = publication;
    const where = `${body} in ${stream.name} as ${sequence}`;
    if (publication.outcome === 'refused') this.violate('refusedButStored', where);
    const twin = stream.sequences.get(body);
    if (twin !== undefined) this.violate('storedTwice', `${where} and as ${twin}`);
    stream.sequences.set(body, sequence);
    this.#checkOrder(stream, publication, lane, where);
    this.#checkId(stream, publication, where);
    this.#checkDelay(publication, where);
    publication.transaction?.onStored();
    this.count('stored');
  }

  /** The receipt of a publish was given out. */
  confirmed(batch: readonly Publication[], placed: readonly PlacedBatch[]): void {
    for (const { stream: name, first, duplicates = [], delayed = [] } of placed) {
      const duplicateOf = pairs(duplicates);
      const delayedAs = pairs(delayed);
      if (duplicateOf.size > 0) this.count('duplicate ids', duplicateOf.size);
      let next = first;
      for (const [index, publication] of batch.entries()) {
        publication.outcome = 'confirmed';
        this.count('confirmed');
        if (duplicateOf.has(index)) {
          this.#checkTwin(name, duplicateOf.get(index)!, publication);
          continue;
        }
        const isLater = delayedAs.has(index);
        publication.places.set(name, isLater ? undefined : next);
        if (!isLater) this.#checkPlace(name, next++, publication);
      }
    }
  }

  refused(batch: readonly Publication[]): void {
    for (const publication of batch) {
      publication.outcome = 'refused';
      for (const stream of this.allStreams()) {
        if (stream.sequences.has(publication.body))
          this.violate('refusedButStored', `${publication.body} in ${stream.name}`);
      }
    }
    this.count('refused', batch.length);
  }

  /** The settlements that were under way may be made, or not: nobody will say. */
  groupsOf(name: string): { stream: StreamBook; group: GroupBook }[] {
    return [...this.streams.values()]
      .filter((stream) => stream.name === name)
      .flatMap((stream) => [...stream.groups.values()].map((group) => ({ stream, group })));
  }

  #wasWellFor(ms: number): boolean {
    const since = this.time.now - ms;
    return this.#openedAt <= since && this.#unhealthy.every(({ to }) => to < since);
  }

  #checkPlace(name: string, sequence: number, publication: Publication): void {
    const { body, attributes, sentAt } = publication;
    if (this.deletedNames.has(name)) return;
    if (this.#isOfLostMemory(name, sentAt)) return;
    const memory = this.memory.get(name);
    if (memory?.bodies.get(sequence) === undefined && memory !== undefined)
      this.memory.seen(memory, sequence, { body, attributes });
    const found = this.stream(name)?.bodies.get(sequence);
    if (found !== body)
      this.violate(
        'notStored',
        `${body} is confirmed in ${name} as ${sequence}, where ${found ?? 'nothing'} is`,
      );
  }

  /** The receipt of a publish that was sent before a memory stream came to be may be of one that is gone. */
  #isOfLostMemory(name: string, sentAt: number): boolean {
    const memory = this.memory.get(name);
    return this.expected.isMemory(name) && (memory === undefined || sentAt < memory.since);
  }

  /** What is said to be a duplicate is one of a message that is stored. */
  #checkTwin(name: string, sequence: number, { body, attributes: { messageId }, sentAt }: Publication): void {
    if (this.deletedNames.has(name) || sequence === 0) return;
    if (this.#isOfLostMemory(name, sentAt)) return;
    const twin = this.stream(name)?.bodies.get(sequence);
    // What is in memory is known when it was seen.
    if (twin === undefined && this.expected.isMemory(name)) return;
    const twinId = twin === undefined ? undefined : this.publications.get(twin)?.attributes.messageId;
    if (twin === undefined || twinId !== messageId)
      this.violate(
        'notStored',
        `${body} is said to be in ${name} as ${sequence}, where ${twin ?? 'nothing'} is`,
      );
  }

  #checkOrder(stream: StreamBook, publication: Publication, lane: number, where: string): void {
    const { publisher, number, attributes, mayBeLate } = publication;
    if (isDelayed(attributes) || mayBeLate) return;
    const key = `${publisher} ${lane}`;
    const newest = stream.newest.get(key) ?? 0;
    if (number < newest) this.violate('outOfOrder', `${where} after number ${newest}`);
    stream.newest.set(key, number);
  }

  #checkId(stream: StreamBook, { attributes }: Publication, where: string): void {
    const { messageId } = attributes;
    if (messageId === undefined || isDelayed(attributes)) return;
    const before = stream.ids.get(messageId);
    const windowMs = this.expected.dedupWindowMsOf(stream.name) - ID_SLACK_MS;
    if (before !== undefined && windowMs > 0 && this.time.wall - before < windowMs)
      this.violate(
        'idTwice',
        `${where}, ${this.time.wall - before} ms after another with the id ${messageId}`,
      );
    stream.ids.set(messageId, this.time.wall);
  }

  #checkDelay({ attributes: { delayMs }, sentAt }: Publication, where: string): void {
    if (delayMs === undefined) return;
    this.count('delayed');
    if (this.time.now < sentAt + delayMs && this.time.wallOffsetMs === 0)
      this.violate('early', `${where}, ${this.time.now - sentAt} of ${delayMs} ms after it was sent`);
  }

  /** A dead letter is stored. */
  buried({ stream: name, group: groupName, sequence, cause }: DeadLetter, body: string): void {
    const stream = this.stream(name);
    const group = stream?.group(groupName);
    if (stream === undefined || group === undefined) return;
    const where = `${body}, ${sequence} of ${name}, in ${groupName} (${cause})`;
    this.count('dead letters');
    this.onTrail?.(name, sequence, `its letter for ${groupName} is stored (${cause})`);
    this.#letters.set(`${groupName}/${body}`, (this.#letters.get(`${groupName}/${body}`) ?? 0) + 1);
    const isSeen = stream.bodies.has(sequence) || !(stream instanceof MemoryStreamBook);
    if (isSeen && stream.bodies.get(sequence) !== body)
      this.violate('notPublished', `${where}, where ${stream.bodies.get(sequence)} is`);
    const entry = group.entries.get(sequence);
    // While it begins anew nobody knows whether that was before or after.
    if (!group.isLoose) {
      if (entry?.state === 'dead') this.violate('diedTwice', where);
      if (entry?.state === 'done') this.violate('diedTwice', `${where} was acked`);
    }
    const isRight =
      sequence < group.obligedFrom ||
      cause === 'expired' ||
      (cause === 'rejected' && entry?.isRejected === true) ||
      (cause === 'maxDeliveries' && (entry?.attempt ?? 0) >= group.policies.fewest);
    if (!isRight && !group.isLoose)
      this.violate('diedEarly', `${where} after attempt ${entry?.attempt ?? 0}`);
    if (entry === undefined) {
      group.entries.set(sequence, { ...NEVER_DELIVERED, sequence, body });
      return;
    }
    entry.state = 'dead';
    if (entry.key !== undefined) group.openOfKey.get(entry.key)?.delete(entry);
  }

  #redriven(stream: StreamBook, sequence: number, body: string, group: string): void {
    this.count('redriven');
    stream.redriven.set(sequence, group);
    const left = (this.#letters.get(`${group}/${body}`) ?? 0) - 1;
    this.#letters.set(`${group}/${body}`, left);
    if (left < 0) this.violate('storedTwice', `${body} was redriven to ${group} oftener than it died`);
  }
}

const NEVER_DELIVERED = {
  key: undefined,
  state: 'dead',
  attempt: 0,
  life: 0,
  deliveredAt: 0,
  deliveries: 0,
  owner: 0,
  deadline: 0,
  isReleased: false,
  isRefused: false,
  attemptMin: 1,
  isRejected: false,
} as const;

function pairs(flat: readonly number[]): Map<number, number> {
  const map = new Map<number, number>();
  for (let i = 0; i < flat.length; i += 2) map.set(flat[i]!, flat[i + 1]!);
  return map;
}
