import type { Engine } from '../../packages/broker/src/engine/engine.ts';
import type { Book } from './book.ts';
import type { Entry, GroupBook, StreamBook } from './group-book.ts';
import { isDelayed } from './publications.ts';

/** A lease may have been extended in its last moment, for as long as the longest that there are, in ms. */
const OVERDUE_MS = 1_100;

/** Asks for the pending entry list of a group and holds it against what was delivered and settled by now. */
export async function checkPending(
  book: Book,
  engine: Engine,
  streamName: string,
  groupName: string,
): Promise<void> {
  const stream = book.stream(streamName);
  const group = stream?.groups.get(groupName);
  if (stream === undefined || group === undefined || isVague(stream, group)) return;
  const asked = engine.pending({ stream: streamName, group: groupName });
  const now = new Map([...group.entries].map(([sequence, entry]) => [sequence, { ...entry }]));
  const { life } = book;
  const isHeld = (entry: Entry): boolean =>
    entry.state === 'held' && entry.life === life && book.time.now < entry.deadline;
  const deadly = group.policies.fewest;
  const sure = [...now.values()]
    .filter((entry) => isHeld(entry) || (entry.attempt < deadly && isPendingForSure(book, entry)))
    .map(({ sequence }) => sequence);
  const held = new Set([...now.values()].filter(isHeld).map(({ sequence }) => sequence));
  const overdue = new Set(
    [...now.values()]
      .filter(
        ({ state, life: of, deadline }) =>
          state === 'held' && of === life && book.time.now > deadline + OVERDUE_MS,
      )
      .map(({ sequence }) => sequence),
  );
  const { entries, more } = await asked;
  book.count('pending lists');
  const where = `of ${groupName} on ${streamName}`;
  const told = new Set<number>();
  for (const { first, last, attempt, follower } of entries) {
    for (let sequence = first; sequence <= last; sequence++) {
      told.add(sequence);
      const entry = now.get(sequence);
      const what = `${sequence} ${where} in attempt ${attempt}`;
      if (entry === undefined) {
        if (sequence >= group.obligedFrom)
          book.violate('pendingWrong', `${what} was never delivered, and is pending`);
      } else if (entry.state === 'done') book.violate('pendingWrong', `${what} was acked, and is pending`);
      else if (follower !== undefined && overdue.has(sequence))
        book.violate('pendingWrong', `${what} is said to be with ${follower}, whose lease has run out`);
      else if (held.has(sequence) && (follower !== entry.owner || attempt !== entry.attempt))
        book.violate(
          'pendingWrong',
          `${what} is said to be with ${follower}, and is with ${entry.owner} in ${entry.attempt}`,
        );
    }
  }
  if (more) return;
  const missing = sure.find((sequence) => !told.has(sequence));
  if (missing !== undefined)
    book.violate('pendingWrong', `${missing} ${where} is not pending, and should be`);
}

/** Whether a group has the settings that it was given. */
export async function checkSettings(
  book: Book,
  engine: Engine,
  streamName: string,
  groupName: string,
): Promise<void> {
  const group = book.stream(streamName)?.groups.get(groupName);
  if (group === undefined || group.isLoose) return;
  const { options } = await engine.groupInfo(streamName, groupName);
  if (group.isLoose || book.stream(streamName)?.groups.get(groupName) !== group) return;
  if (!group.policies.allow(options))
    book.violate('settingsWrong', `${groupName} on ${streamName} has ${JSON.stringify(options)}`);
}

/** Whether it must be in the list, whatever the broker has not been able to say yet. */
function isPendingForSure(book: Book, { state, life, isReleased, body }: Entry): boolean {
  if (state !== 'held' && state !== 'waiting') return false;
  if (life !== book.life || isReleased) return false;
  return book.publications.get(body)?.attributes.ttlMs === undefined;
}

function isVague(stream: StreamBook, group: GroupBook): boolean {
  return stream.isLoose || stream.mayBeTrimmed || group.isLoose;
}

/** Once everything was drained: every message that was stored came to each group, or is gone for a reason. */
export function checkNothingLost(book: Book): void {
  for (const stream of book.streams.values()) {
    const stored = book.disk.model.streams.get(stream.id);
    if (stored === undefined || stream.name.startsWith('$dead.')) continue;
    const isTrimmed = stored.firstSequence > 1 && !stream.mayBeTrimmed && !stream.wasPurged;
    if (isTrimmed)
      book.violate('lost', `${stream.name} begins at ${stored.firstSequence}, and nobody trimmed it`);
    for (const [sequence, body] of stream.bodies) {
      if (sequence < stored.firstSequence) continue;
      for (const group of stream.groups.values()) checkArrived(book, stream, group, { sequence, body });
    }
  }
  for (const stream of book.streams.values())
    for (const group of stream.groups.values()) checkReplay(book, stream, group);
  for (const stream of book.memory.all()) {
    for (const [sequence, body] of stream.bodies)
      for (const group of stream.groups.values()) checkArrived(book, stream, group, { sequence, body });
  }
  for (const publication of book.publications.all()) {
    if (publication.outcome !== 'confirmed' || !isDelayed(publication.attributes)) continue;
    for (const [name, sequence] of publication.places) {
      if (sequence !== undefined || book.deletedNames.has(name)) continue;
      // It went with the memory that it was in, or may have.
      const since = book.memory.get(name)?.since ?? Number.POSITIVE_INFINITY;
      if (book.expected.isMemory(name) && publication.sentAt < since) continue;
      if (book.stream(name)?.sequences.has(publication.body) !== true)
        book.violate('lost', `${publication.body}, which was delayed, never entered ${name}`);
    }
  }
}

/** A group of a log that was moved saw everything from there on once more. */
function checkReplay(book: Book, stream: StreamBook, { name, replay, entries }: GroupBook): void {
  const isLog = book.expected.limitsOf(stream.name).retention === 'log';
  if (replay?.allFrom === undefined || !isLog || stream.mayBeTrimmed || stream.wasPurged) return;
  book.count('replays');
  for (const [sequence, body] of stream.bodies) {
    if (sequence < replay.allFrom || replay.seen.has(sequence)) continue;
    if (stream.redriven.has(sequence) || entries.get(sequence)?.state === 'dead') continue;
    if (book.publications.get(body)?.attributes.ttlMs !== undefined) continue;
    book.violate(
      'replayWrong',
      `${sequence} of ${stream.name} did not come to ${name}, moved to ${replay.allFrom}`,
    );
  }
}

/** What was to be acked with a message that was not stored has come again, or is there still. */
export function checkTransactions(book: Book): void {
  const isStored = ({ body }: { body: string }): boolean =>
    [...book.streams.values()].some(({ sequences }) => sequences.has(body));
  for (const { asked, publications } of book.transactions) {
    if (publications.some(isStored)) continue;
    for (const { stream, entry, group, isHeld, deliveries, sequence } of asked.parts) {
      if (book.deletedNames.has(stream)) continue;
      if (entry?.state !== 'settling' || isHeld !== 'yes' || entry.deliveries !== deliveries) continue;
      if (group?.entries.get(sequence) !== entry) continue;
      if (book.publications.get(entry.body)?.attributes.ttlMs !== undefined) continue;
      book.violate('inPart', `${entry.body} was acked, and ${publications[0]!.body} was not stored`);
    }
  }
}

function checkArrived(
  book: Book,
  stream: StreamBook,
  group: GroupBook,
  { sequence, body }: { sequence: number; body: string },
): void {
  if (sequence < group.obligedFrom) return;
  const only = stream.redriven.get(sequence);
  if (only !== undefined && only !== group.name) return;
  const entry = group.entries.get(sequence);
  const where = `${body}, ${sequence} of ${stream.name}, in ${group.name}`;
  if (entry?.state === 'done' || entry?.state === 'dead' || entry?.state === 'settling') return;
  if (book.publications.get(body)?.attributes.ttlMs !== undefined) return;
  book.violate('lost', entry === undefined ? `${where} never came` : `${where} is ${entry.state} at the end`);
}
