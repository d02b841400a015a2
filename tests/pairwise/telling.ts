import type { StreamSummary } from '@simplemq/protocol';
import type { GroupBook } from './group-book.ts';
import { isOut, type Progress } from './progress.ts';
import type { StreamBook } from './stream-book.ts';
import { until, type World } from './world.ts';

/** What the broker does by itself may be under way: it is looked at so often until it agrees, with a pause between. */
const LOOKS_MAX = 200;
const PAUSE_MS = 2;

/** Compares what the broker tells of its streams with the books; nothing may be asked for meanwhile. */
export async function checkTold(world: World): Promise<void> {
  await world.answers();
  for (const stream of world.streams.values()) {
    let wrong = await wrongOf(world, stream);
    for (let looks = 1; wrong !== undefined && looks < LOOKS_MAX; looks++) {
      await until(performance.now() + PAUSE_MS);
      world.throwIfBroken();
      wrong = await wrongOf(world, stream);
    }
    if (wrong !== undefined) throw new Error(`${stream.name}: ${wrong}`);
  }
}

async function wrongOf(world: World, stream: StreamBook): Promise<string | undefined> {
  const groups = [...stream.groups.values()];
  // The answers are made in this turn, so the books are copied in it too.
  const asked = Promise.all([
    world.engine.streamInfo(stream.name),
    ...groups.map((book) => world.engine.pending({ stream: stream.name, group: book.name })),
  ]);
  const copies = groups.map((book) => [...book.all].map((progress) => ({ ...progress })));
  const [info, ...pending] = await asked;
  const wrongs = groups.map((book, index) => {
    const { entries } = pending[index]!;
    const wrong = wrongGroup(book, copies[index]!, info as StreamSummary, entries);
    return wrong === undefined ? undefined : `'${book.name}': ${wrong}`;
  });
  return wrongs.find((wrong) => wrong !== undefined) ?? wrongCount(stream, info as StreamSummary);
}

interface Told {
  readonly first: number;
  readonly last: number;
  readonly attempt: number;
  readonly follower?: number;
}

function wrongGroup(
  book: GroupBook,
  copies: readonly Progress[],
  info: StreamSummary,
  entries: readonly Told[],
): string | undefined {
  const summary = info.groups.find(({ name }) => name === book.name);
  if (summary === undefined) return 'it is not told of';
  const progress = new Map(copies.map((copy) => [copy.entry.sequence, copy]));
  const listed = new Map(
    entries.flatMap((told) => sequencesOf(told).map((sequence) => [sequence, told] as const)),
  );
  if (summary.pending !== listed.size) return `pending is ${summary.pending}, and ${listed.size} are listed`;
  for (const [sequence, told] of listed) {
    const wrong = wrongPending(progress.get(sequence), told);
    if (wrong !== undefined)
      return `${sequence} is pending in attempt ${told.attempt} with ${told.follower}: ${wrong}`;
  }
  for (const copy of copies) {
    const { sequence } = copy.entry;
    const mayBeGone =
      sequence < info.firstSequence || book.mayBeExpired(copy.entry) || book.mayHaveDied(copy);
    if (isOut(copy) && !listed.has(sequence) && !mayBeGone)
      return `${sequence} is ${copy.state}, and is not pending`;
  }
  const [least, most] = lagOf(book, progress, info);
  if (summary.lag >= least && summary.lag <= most) return undefined;
  return `the lag is ${summary.lag}, and should be ${least} to ${most}`;
}

function wrongPending(progress: Progress | undefined, { attempt, follower }: Told): string | undefined {
  if (progress === undefined || progress.attempt === 0) return 'it was never delivered';
  const { state, holder, deadline, next } = progress;
  if (state === 'done') return 'it is done';
  if (state === 'waiting') return next.has(attempt) ? undefined : `it is to be ${[...next]}`;
  if (state !== 'held' || deadline < performance.now()) return undefined;
  const isRight = attempt === progress.attempt && follower === holder!.follower.id;
  return isRight ? undefined : `it is held in ${progress.attempt} by ${holder!.follower.id}`;
}

/** Messages that are not delivered yet: at least, and at the most. */
function lagOf(
  book: GroupBook,
  progress: ReadonlyMap<number, Progress>,
  info: StreamSummary,
): [number, number] {
  const { stream, start } = book;
  let [least, most] = [0, 0];
  for (let sequence = Math.max(start, info.firstSequence); sequence < info.nextSequence; sequence++) {
    const known = progress.get(sequence);
    const entry = stream.entries.get(sequence);
    if (known !== undefined) {
      const mayBe = known.state === 'free' || (known.state === 'waiting' && known.next.has(1));
      if (mayBe) most++;
      if (mayBe && known.state === 'waiting' && known.next.size === 1 && !book.mayBeExpired(known.entry))
        least++;
    } else {
      most++;
      if (entry !== undefined && book.isFor(entry) && !book.mayBeExpired(entry) && !stream.mayBeGone(entry))
        least++;
    }
  }
  return [least, most];
}

function wrongCount(
  stream: StreamBook,
  { messages, firstSequence, nextSequence }: StreamSummary,
): string | undefined {
  let [least, most] = [0, 0];
  for (let sequence = firstSequence; sequence < nextSequence; sequence++) {
    if (stream.isGone(sequence)) continue;
    most++;
    const entry = stream.entries.get(sequence);
    if (!stream.isWork || (entry !== undefined && !stream.mayBeGone(entry))) least++;
  }
  if (messages >= least && messages <= most) return undefined;
  return `it has ${messages} messages, and should have ${least} to ${most}`;
}

function sequencesOf({ first, last }: Told): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
