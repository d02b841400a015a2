import type { StreamRanges } from '@simplemq/protocol';
import type { DeliveredRun } from '../../packages/broker/src/engine/engine.ts';
import { type ReadBack, readBack } from '../../packages/broker/test/batches.ts';
import type { Book } from './book.ts';
import type { Entry, GroupBook, StreamBook } from './group-book.ts';
import { MemoryStreamBook } from './memory-book.ts';

const ROUNDING_MS = 0.001;

/** A follower as the broker has it, for one of its lives. */
export interface Holder {
  readonly life: number;
  /** The broker's number for it. */
  readonly id: number;
  readonly group: string;
  readonly leaseMs: number;
}

/** Looks at a run in the moment in which the broker hands it out. */
export function checkRun(book: Book, holder: Holder, run: DeliveredRun): void {
  const stream = book.stream(run.stream);
  if (stream === undefined) {
    book.violate('notDurable', `${run.stream} ${run.first} is delivered, and the stream is not stored`);
    return;
  }
  const group = stream.group(holder.group);
  for (const [index, record] of readBack(run).entries()) {
    const sequence = run.first + index;
    const where = `${run.stream} ${sequence} in attempt ${run.attempt} to ${holder.group}`;
    checkContent(book, stream, { sequence, record, where, time: run.time });
    if (!group.isLoose)
      checkDelivery(book, stream, group, {
        holder,
        sequence,
        record,
        where,
        attempt: run.attempt,
        time: run.time,
      });
    note(book, stream, group, { holder, sequence, record, attempt: run.attempt });
    book.count('deliveries');
    if (run.attempt > 1) book.count('redeliveries');
  }
}

interface Content {
  readonly sequence: number;
  readonly record: ReadBack;
  readonly where: string;
  readonly time: number;
}

function checkContent(book: Book, stream: StreamBook, { sequence, record, where, time }: Content): void {
  if (stream instanceof MemoryStreamBook) {
    book.count('deliveries from memory');
    if (!stream.bodies.has(sequence)) book.memory.seen(stream, sequence, record);
  }
  const stored = stream.bodies.get(sequence);
  const { body, attributes } = record;
  if (stored === undefined) book.violate('notDurable', where);
  else if (stored !== body) book.violate('notPublished', `${where} is ${body}, and was stored as ${stored}`);
  const { ttlMs } = attributes;
  if (ttlMs !== undefined && book.time.wall > time + ttlMs) book.violate('late', where);
  const sent = book.publications.get(body)?.attributes;
  if (sent?.key !== attributes.key || sent?.priority !== attributes.priority)
    book.violate('notPublished', `${where} has other attributes than it was published with`);
  const { group } = attributes;
  if (group !== undefined && !where.endsWith(` to ${group}`))
    book.violate('notPublished', `${where} was redriven for ${group}`);
}

interface Given {
  readonly holder: Holder;
  readonly sequence: number;
  readonly record: ReadBack;
  readonly where: string;
  readonly attempt: number;
  /** When it was taken in. */
  readonly time: number;
}

function checkDelivery(book: Book, stream: StreamBook, group: GroupBook, given: Given): void {
  const { sequence, where, attempt, record } = given;
  const { replay } = group;
  if (replay?.allFrom !== undefined && sequence < replay.from)
    book.violate('replayWrong', `${where}, and the group was moved to ${replay.from}`);
  const entry = group.entries.get(sequence);
  checkKey(book, stream, group, given, entry);
  if (entry === undefined) {
    // What came while the group began anew is not on record.
    if (sequence < group.obligedFrom) return;
    if (attempt > 1) book.violate('attemptSkipped', `${where} is its first`);
    checkFirst(book, stream, group, given);
    return;
  }
  if (entry.body !== record.body) book.violate('sequenceTwice', `${where} was ${entry.body}`);
  if (entry.state === 'done')
    book.violate('deliveredAgain', `${where} was acked in attempt ${entry.attempt}`);
  if (entry.state === 'dead') book.violate('diedTwice', `${where} is in the dead letters`);
  const isHeld = entry.life === book.life && entry.state === 'held' && book.time.now < entry.deadline;
  if (isHeld && !stream.isLoose && !stream.mayBeTrimmed)
    book.violate('twoOwners', `${where}, which follower ${entry.owner} has in attempt ${entry.attempt}`);
  const most = group.policies.mostSince(entry.deliveredAt);
  const mayExceed = entry.isReleased || entry.isRefused || entry.state === 'settling';
  if (attempt > most && !mayExceed) book.violate('tooOften', `${where}, and may be ${most} times`);
  // Settlements may be taken for those of what was held before.
  if (!book.deletedNames.has(stream.name) && !group.mayBeFormer(entry))
    checkAttempt(book, entry, attempt, where);
}

function checkAttempt(book: Book, entry: Entry, attempt: number, where: string): void {
  if (attempt > entry.attempt + 1) book.violate('attemptSkipped', `${where} after ${entry.attempt}`);
  const isCounted = entry.life === book.life || book.isSure(entry.life, entry.deliveredAt);
  const least = isCounted ? entry.attempt + (entry.isReleased ? 0 : 1) : 1;
  if (attempt < Math.max(least, entry.attemptMin))
    book.violate('attemptWentDown', `${where} after ${entry.attempt}`);
}

/** What a group sees for the first time comes in the order of its lane, or of its key. */
function checkFirst(
  book: Book,
  stream: StreamBook,
  group: GroupBook,
  { sequence, record, where, time }: Given,
): void {
  if (stream.redriven.has(sequence)) return;
  const { priority = 1, key = '', ttlMs } = record.attributes;
  // It was passed over as expired, and a crash and a clock that was set back made it fresh again.
  if (ttlMs !== undefined && book.time.wallMax > time + ttlMs) return;
  const order = book.expected.isKeyed(group.name) ? `${priority} ${key}` : String(priority);
  const newest = group.newest.get(order) ?? 0;
  if (sequence < newest) book.violate('seenOutOfOrder', `${where} for the first time after ${newest}`);
  group.newest.set(order, sequence);
}

function checkKey(
  book: Book,
  stream: StreamBook,
  group: GroupBook,
  { record, where }: Given,
  entry: Entry | undefined,
): void {
  const { key } = record.attributes;
  if (key === undefined || !book.expected.isKeyed(group.name) || stream.isLoose || stream.mayBeTrimmed)
    return;
  // Settlements may be taken for those of what was held before.
  if (book.deletedNames.has(stream.name)) return;
  for (const other of group.openOfKey.get(key) ?? []) {
    if (other === entry || other.state === 'settling' || group.mayBeFormer(other)) continue;
    // Handed back unbegun from its first delivery, it waits for its key as before that.
    if (other.isReleased && other.attempt === 1) continue;
    // It is dying: it will not come again.
    // In memory nobody sees it come to the dead letters.
    const isOverdue = stream instanceof MemoryStreamBook && book.time.now >= other.deadline;
    const isDying = other.state === 'waiting' || other.life !== book.life || isOverdue;
    if (isDying && other.attempt >= group.policies.fewest) continue;
    // What a broker had handed out just before it died it may not know of.
    if (other.life !== book.life && !book.isSure(other.life, other.deliveredAt)) continue;
    const ttlMs = book.publications.get(other.body)?.attributes.ttlMs;
    if (ttlMs === undefined)
      book.violate('keyOverlap', `${where} while ${other.sequence} of its key ${key} is out`);
  }
}

function note(
  book: Book,
  stream: StreamBook,
  group: GroupBook,
  { holder, sequence, record, attempt }: Omit<Given, 'where' | 'time'>,
): void {
  const { key } = record.attributes;
  book.onTrail?.(stream.name, sequence, `is delivered to ${group.name}, ${holder.id}, in attempt ${attempt}`);
  let entry = group.entries.get(sequence);
  if (entry === undefined) {
    entry = {
      sequence,
      body: record.body,
      key,
      state: 'held',
      attempt,
      life: 0,
      deliveredAt: 0,
      deliveries: 0,
      owner: 0,
      deadline: 0,
      isReleased: false,
      isRefused: false,
      attemptMin: 1,
      isRejected: false,
    };
    group.entries.set(sequence, entry);
  }
  if (group.isLoose) group.outdate(entry);
  if (key !== undefined) {
    const open = group.openOfKey.get(key) ?? new Set();
    open.add(entry);
    group.openOfKey.set(key, open);
  }
  group.replay?.seen.add(sequence);
  entry.state = 'held';
  entry.attempt = attempt;
  entry.life = book.life;
  entry.deliveredAt = book.time.now;
  entry.deliveries++;
  entry.owner = holder.id;
  entry.deadline = deadlineOf(book, holder);
  entry.isReleased = false;
  entry.isRefused = false;
}

/** Until then the follower has it for certain: the broker reckons by a clock of its own, and so rounds otherwise. */
function deadlineOf(book: Book, { leaseMs }: Holder): number {
  return book.time.now + leaseMs - ROUNDING_MS;
}

/** The follower left, or its connection is gone: what it had goes back. */
export function left(book: Book, holder: Holder): void {
  for (const stream of book.allStreams()) {
    for (const entry of stream.groups.get(holder.group)?.entries.values() ?? []) {
      if (entry.state === 'held' && entry.owner === holder.id && entry.life === holder.life)
        entry.state = 'waiting';
    }
  }
}

/** All followers of the broker are over. */
export function allLeft(book: Book): void {
  for (const stream of book.allStreams()) {
    for (const group of stream.groups.values()) {
      for (const entry of group.entries.values()) {
        if (entry.state === 'held' && entry.life === book.life) entry.state = 'waiting';
      }
    }
  }
}

export type SettlementKind = 'ack' | 'nack' | 'reject' | 'release' | 'extend';

interface Part {
  readonly stream: string;
  readonly sequence: number;
  readonly attempt: number;
  readonly entry: Entry | undefined;
  readonly group: GroupBook | undefined;
  /** 'unsure': by this follower, or by nobody any more; 'unknown': nothing is known. */
  readonly isHeld: 'yes' | 'no' | 'unsure' | 'unknown';
  readonly deliveries: number;
  /** Another settlement of it was under way. */
  readonly isRepeat: boolean;
}

/** A settlement that the broker was asked for and has not answered yet. */
export interface Settling {
  readonly kind: SettlementKind;
  readonly parts: readonly Part[];
}

/** To be called right before the broker is asked. */
export function settling(
  book: Book,
  kind: SettlementKind,
  holder: Holder,
  entries: readonly StreamRanges[],
): Settling {
  const parts: Part[] = [];
  for (const { stream: name, ranges } of entries) {
    const stream = book.stream(name);
    const group = stream?.group(holder.group);
    for (const { first, last, attempt } of ranges) {
      for (let sequence = first; sequence <= last; sequence++) {
        const entry = group?.entries.get(sequence);
        const isHeld = heldBy(book, stream, group, entry, holder, attempt);
        const isRepeat = entry?.state === 'settling';
        const deliveries = entry?.deliveries ?? 0;
        parts.push({ stream: name, sequence, attempt, entry, group, isHeld, deliveries, isRepeat });
        book.onTrail?.(
          name,
          sequence,
          `${kind} by ${holder.group}, ${holder.id}, of attempt ${attempt}: held ${isHeld}`,
        );
        if (isHeld === 'yes' || isHeld === 'unsure') begin(kind, entry!);
        if (kind === 'extend' && isHeld === 'yes') entry!.deadline = deadlineOf(book, holder);
      }
    }
  }
  return { kind, parts };
}

function heldBy(
  book: Book,
  stream: StreamBook | undefined,
  group: GroupBook | undefined,
  entry: Entry | undefined,
  holder: Holder,
  attempt: number,
): Part['isHeld'] {
  if (stream === undefined || group === undefined || entry === undefined) return 'unknown';
  const isIts = entry.life === holder.life && entry.owner === holder.id && entry.attempt === attempt;
  const isVague =
    group.isLoose ||
    stream.isLoose ||
    stream.mayBeTrimmed ||
    book.deletedNames.has(stream.name) ||
    group.mayBeFormer(entry);
  if (isVague) return isIts && entry.state === 'held' ? 'unsure' : 'unknown';
  if (!isIts || entry.state === 'done' || entry.state === 'dead') return 'no';
  if (entry.state === 'settling') return 'unsure';
  if (entry.state === 'waiting') return 'no';
  return book.time.now < entry.deadline ? 'yes' : 'unsure';
}

function begin(kind: SettlementKind, entry: Entry): void {
  if (kind === 'extend') return;
  if (kind === 'ack' || kind === 'reject') entry.state = 'settling';
  else entry.state = 'waiting';
  if (kind === 'reject') entry.isRejected = true;
  if (kind === 'release') entry.isReleased = true;
}

/** The broker's answer: what came too late. */
export function settled(book: Book, { kind, parts }: Settling, stale: readonly StreamRanges[]): void {
  const late = new Map<string, number>();
  for (const { stream, ranges } of stale) {
    for (const { first, last, attempt } of ranges) {
      for (let sequence = first; sequence <= last; sequence++) {
        const about = `${stream} ${sequence} ${attempt}`;
        late.set(about, (late.get(about) ?? 0) + 1);
      }
    }
  }
  // Of what is named twice, the first was done.
  for (const part of parts.toReversed()) {
    const about = `${part.stream} ${part.sequence} ${part.attempt}`;
    const times = late.get(about) ?? 0;
    late.set(about, times - 1);
    settledPart(book, kind, part, times > 0);
  }
}

function settledPart(book: Book, kind: SettlementKind, part: Part, isStale: boolean): void {
  const { stream, sequence, attempt, entry, group, isHeld, deliveries, isRepeat } = part;
  const where = `the ${kind} of ${stream} ${sequence} in attempt ${attempt}`;
  book.onTrail?.(stream, sequence, `${kind} of attempt ${attempt} is ${isStale ? 'stale' : 'done'}`);
  if (isStale) {
    book.count('stale settlements');
    if (isHeld === 'yes') book.violate('wronglyStale', where);
    // Its lease had run out: it waits. Or it was taken for one of before, and what is held now may be settled yet.
    const isMine = isHeld === 'unsure' && !isRepeat && entry?.deliveries === deliveries;
    if (isMine && entry?.state === 'settling' && group?.mayBeFormer(entry) !== true) entry.state = 'waiting';
    return;
  }
  book.count(`${kind}s`);
  if (isHeld === 'no') book.violate('staleAccepted', where);
  if (entry === undefined || group === undefined || group.entries.get(sequence) !== entry) return;
  // It begins anew: this was of before.
  if (group.isLoose) return;
  const isSame = entry.deliveries === deliveries;
  if (kind === 'nack') entry.attemptMin = Math.max(entry.attemptMin, attempt + 1);
  if (kind !== 'ack') return;
  if (!isSame) book.violate('deliveredAgain', `${where} is done, and it was delivered again meanwhile`);
  if (entry.state === 'dead') book.violate('diedTwice', `${where} is done, and it is in the dead letters`);
  entry.state = 'done';
  if (entry.key !== undefined) group.openOfKey.get(entry.key)?.delete(entry);
}
