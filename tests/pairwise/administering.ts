import type { StartFrom } from '@simplemq/protocol';
import type { GroupBook } from './group-book.ts';
import { listLetters } from './letters.ts';
import { Random } from './random.ts';
import { groupSettings } from './settings.ts';
import { ackFormer, lostOf } from './settling.ts';
import type { StreamBook } from './stream-book.ts';
import type { World } from './world.ts';

const EXTRA = 'extra';
/** Which group of the run the extra one is. */
const EXTRA_INDEX = 3;

type Kind = 'first' | 'new' | 'sequence';

/** Purges the main stream: all of it, or up to some message. */
export async function purge(world: World, random: Random): Promise<void> {
  const stream = world.main;
  await world.answers();
  const sequence = random.once(3) ? undefined : anySequence(stream, random);
  world.freeze(stream.groups.values());
  stream.purgedTo = sequence === undefined ? Number.POSITIVE_INFINITY : Math.max(stream.purgedTo, sequence);
  await world.engine.purgeStream({ stream: stream.name, ...(sequence !== undefined && { sequence }) });
  await world.look(stream);
  stream.notePassed();
  if (sequence === undefined) stream.purgedTo = stream.firstSequence;
  if (sequence !== undefined && stream.firstSequence < Math.min(sequence, stream.nextSequence)) {
    throw new Error(`purged up to ${sequence}, the first message is ${stream.firstSequence}`);
  }
  for (const member of world.members) world.topUp(member);
}

/** Moves a group of the main stream. */
export async function reset(world: World, who: number, random: Random): Promise<void> {
  const stream = world.main;
  await world.answers();
  const books = [...stream.groups.values()];
  const book = books[who % books.length]!;
  world.freeze([book]);
  // What is on its way to the dead letters is there before.
  await listLetters(world, stream);
  const kind = random.oneOf<Kind>(['first', 'new', 'sequence']);
  const { startFrom, start } = await placeOf(world, stream, kind, random);
  const left = [...stream.entries.values()].map((entry) => ({
    entry,
    isGone: stream.isGone(entry.sequence),
    mayBe: stream.mayBeGone(entry),
  }));
  const before = book.members.map((member) => [member, book.held(member).map(lostOf)] as const);
  book.reset(start);
  for (const { entry, isGone, mayBe } of left) {
    if (isGone) book.begin(entry, 'done');
    else if (mayBe) book.begin(entry, 'free');
  }
  await world.engine.resetGroup({ stream: stream.name, group: book.name, startFrom });
  for (const [member, held] of before) if (held.length > 0) await ackFormer(member, held);
  stream.noteAllDone();
  if (stream.isWork) stream.notePassed();
  for (const member of book.members) world.topUp(member);
}

/** Makes a group of the main stream. */
export async function createGroup(
  world: World,
  stream: StreamBook,
  name: string,
  index: number,
  kind: Kind,
  random: Random,
): Promise<GroupBook> {
  await world.answers();
  const { startFrom, start } = await placeOf(world, stream, kind, random);
  const book = world.newGroup(stream, name, start, index);
  const options = groupSettings(world.settings, index);
  const created = await world.engine.createGroup({ stream: stream.name, group: name, startFrom, options });
  if (!created) throw new Error(`the group '${name}' was there already`);
  return book;
}

/** Makes one group more, or deletes it. */
export async function changeGroups(world: World, random: Random): Promise<void> {
  const stream = world.main;
  const extra = stream.groups.get(EXTRA);
  if (extra === undefined) {
    const kind = random.oneOf<Kind>(['first', 'new', 'sequence']);
    await createGroup(world, stream, EXTRA, EXTRA_INDEX, kind, random);
    return;
  }
  await world.answers();
  const members = [...extra.members];
  extra.isDeleted = true;
  stream.groups.delete(EXTRA);
  for (const member of members) member.isGone = true;
  for (const other of stream.groups.values()) other.origin = Math.min(other.origin, extra.origin);
  await world.engine.deleteGroup(stream.name, EXTRA);
  stream.noteAllDone();
  if (stream.isWork) stream.notePassed();
  for (const { follower } of members) {
    const code = follower.endedWith?.code;
    if (code !== 'GroupNotFound') throw new Error(`the follower of a deleted group ended with ${code}`);
  }
}

/** Takes a delayed message back. */
export async function cancelDelayed(world: World, random: Random): Promise<void> {
  const stream = world.main;
  const delayed = [...stream.publications.values()].filter(({ fate }) => fate === 'delayed');
  if (delayed.length === 0) return;
  await world.answers();
  const publication = random.oneOf(delayed);
  if (publication.fate !== 'delayed') return;
  const messages = await world.engine.cancelDelayed({ stream: stream.name, ids: [publication.delayedId!] });
  if (messages === 0) return;
  if (publication.sequence !== undefined)
    throw new Error(`'${publication.body}' was cancelled, and delivered`);
  publication.fate = 'cancelled';
}

/** Where a group is told to begin, and what that means now. */
async function placeOf(
  world: World,
  stream: StreamBook,
  kind: Kind,
  random: Random,
): Promise<{ startFrom: StartFrom; start: number }> {
  await world.look(stream);
  // Nothing else is asked for between the look and the request; the messages that enter later have later numbers.
  if (kind === 'first') return { startFrom: 'first', start: stream.firstSequence };
  if (kind === 'new') return { startFrom: 'new', start: stream.nextSequence };
  const sequence = anySequence(stream, random);
  return { startFrom: { sequence }, start: Math.max(stream.firstSequence, sequence) };
}

/** The number of a message that is there, or was. */
function anySequence(stream: StreamBook, random: Random): number {
  return 1 + random.below(Math.max(1, ...stream.entries.keys()));
}

/** The groups that the run is to have, where they are not there: those that are made late begin where the settings say. */
export async function createGroups(world: World): Promise<void> {
  const { groups } = world.settings;
  for (const stream of world.streams.values()) {
    const wanted = stream === world.main ? groups : 1;
    for (let index = 0; index < wanted; index++) {
      const name = `group ${index}`;
      if (!stream.groups.has(name)) await createGroup(world, stream, name, index, 'first', new Random(0));
    }
  }
}
