import type { SequenceRange, StreamRanges } from '@simplemq/protocol';
import type { EngineFollower } from '../../packages/broker/src/engine/engine.ts';
import { rangesOf, spelledOut } from '../../packages/broker/test/recording-follower.ts';
import type { GroupBook } from './group-book.ts';
import { formerOf, type Lost, type Member } from './member.ts';
import type { Progress } from './progress.ts';
import type { Random } from './random.ts';
import { until, type World } from './world.ts';

/** A lease that has less than this left, in ms, may be over when the broker is asked. */
const SURE_MS = 20;

/** What the member holds for certain. */
export function sureHeld(member: Member): Progress[] {
  const sureUntil = performance.now() + SURE_MS;
  return member.book.held(member).filter(({ deadline }) => deadline > sureUntil);
}

export function ack(world: World, member: Member, held: readonly Progress[]): void {
  const { book, follower } = member;
  for (const progress of held) book.settle(progress);
  ask(world, member, held, follower.engineFollower.ack(rangesOfAll(book, held)), (progress) =>
    book.done(progress),
  );
}

export function nack(world: World, member: Member, held: readonly Progress[], random: Random): void {
  const { book, follower } = member;
  const delayMs = random.oneOf([undefined, undefined, 0, 3]);
  const error = `nack ${random.below(1e6)}`;
  const ranges = rangesOfAll(book, held);
  for (const progress of held) book.fail(progress, { cause: 'nack', error }, delayMs);
  const options = { reason: error, ...(delayMs !== undefined && { delayMs }) };
  ask(world, member, held, follower.engineFollower.nack(ranges, options), () => {});
}

export function reject(world: World, member: Member, asked: readonly Progress[], random: Random): void {
  const { book, follower } = member;
  const held = asked.filter((progress) => !member.former.has(formerOf(lostOf(progress))));
  if (held.length === 0) return;
  const error = `reject ${random.below(1e6)}`;
  const ranges = rangesOfAll(book, held);
  for (const progress of held) book.reject(progress, error);
  ask(world, member, held, follower.engineFollower.reject(ranges, { reason: error }), (progress) =>
    book.buried(progress),
  );
}

export function release(world: World, member: Member, held: readonly Progress[]): void {
  const { book, follower } = member;
  const ranges = rangesOfAll(book, held);
  for (const progress of held) book.release(progress);
  // It is answered before it is stored.
  ask(world, member, held, follower.engineFollower.release(ranges), () => {}, false);
}

export function extend(world: World, member: Member, held: readonly Progress[]): void {
  const { book, follower, leaseMs } = member;
  for (const progress of held) progress.deadline = performance.now() + leaseMs;
  ask(world, member, held, follower.engineFollower.extend(rangesOfAll(book, held)), () => {}, false);
}

export function lostOf({ entry: { sequence }, attempt }: Progress): Lost {
  return { sequence, attempt };
}

/** The first acks of what the member held before its group was moved are taken for that: they come too late. */
export async function ackFormer(member: Member, former: readonly Lost[]): Promise<void> {
  const { book, follower } = member;
  for (const each of former) member.former.add(formerOf(each));
  const held = book.held(member);
  const entries = rangesOf(former.map((each) => ({ stream: book.stream.name, ...each })));
  const stale = await follower.engineFollower.ack(entries);
  const late = new Set(stale.flatMap(({ ranges }) => ranges.flatMap(sequencesOf)));
  // A lease that was over by then was not held: the ack is of what came anew.
  const asked = new Set(former.map(formerOf));
  for (const progress of held) {
    if (late.has(progress.entry.sequence) || !asked.has(formerOf(lostOf(progress)))) continue;
    book.settle(progress);
    book.done(progress);
  }
}

/** Settles what the member has no more: all of it is stale, and changes nothing. */
export function settleLate(world: World, member: Member, random: Random): void {
  const { book, follower, lost } = member;
  const held = new Set(book.held(member).map(({ entry, attempt }) => `${entry.sequence}@${attempt}`));
  const late = lost.filter(({ sequence, attempt }) => !held.has(`${sequence}@${attempt}`));
  const entries = rangesOf(late.map((each) => ({ stream: book.stream.name, ...each })));
  const verbs: readonly ((follower: EngineFollower) => Promise<readonly StreamRanges[]>)[] = [
    (each) => each.ack(entries),
    (each) => each.nack(entries, {}),
    (each) => each.reject(entries, {}),
    (each) => each.release(entries),
    (each) => each.extend(entries),
  ];
  world.ask(
    random.oneOf(verbs)(follower.engineFollower),
    {
      answered: (stale) => {
        const [told, wanted] = [spelledOut(stale).sort().join(), spelledOut(entries).sort().join()];
        if (told !== wanted)
          throw new Error(`settled late, '${told}' is told to be stale, and all is: '${wanted}'`);
      },
    },
    false,
  );
}

/** Waits until all leases of a member are over. */
export async function neglect(member: Member): Promise<void> {
  const deadlines = member.book.held(member).map(({ deadline }) => deadline);
  if (deadlines.length > 0) await until(Math.max(...deadlines) + 1);
}

function ask(
  world: World,
  member: Member,
  held: readonly Progress[],
  request: Promise<readonly StreamRanges[]>,
  done: (progress: Progress) => void,
  commits = true,
): void {
  const { book } = member;
  const { resets } = book;
  const answered = async (stale: readonly StreamRanges[]): Promise<void> => {
    if (book.isDeleted || book.resets !== resets) return;
    const late = new Set(stale.flatMap(({ ranges }) => ranges.flatMap(sequencesOf)));
    for (const progress of held) if (!late.has(progress.entry.sequence)) done(progress);
    world.topUp(member);
    if (late.size > 0) await excuse(world, book, held, late);
  };
  world.ask(request, { answered }, commits);
}

/** Only what was trimmed meanwhile may be stale. */
async function excuse(
  world: World,
  book: GroupBook,
  held: readonly Progress[],
  late: ReadonlySet<number>,
): Promise<void> {
  await world.look(book.stream);
  for (const progress of held) {
    const { sequence } = progress.entry;
    if (!late.has(sequence)) continue;
    if (!book.stream.isGone(sequence))
      throw new Error(`${sequence} was held in attempt ${progress.attempt}, and is told to be stale`);
    book.done(progress);
  }
}

function rangesOfAll({ stream }: GroupBook, held: readonly Progress[]): StreamRanges[] {
  return rangesOf(
    held.map(({ entry, attempt }) => ({ stream: stream.name, sequence: entry.sequence, attempt })),
  );
}

function sequencesOf({ first, last }: SequenceRange): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
