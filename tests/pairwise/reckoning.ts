import type { GroupBook } from './group-book.ts';
import { type Letter, listLetters } from './letters.ts';
import { type Entry, ttlOf } from './publication.ts';
import { ack, sureHeld } from './settling.ts';
import { readAll } from './stopping.ts';
import type { StreamBook } from './stream-book.ts';
import { checkTold } from './telling.ts';
import { STALLED_MS, until, type World } from './world.ts';

const LEASE_MS = 30_000;
const PREFETCH = 1_000_000;

/** Faults end: followers that ack what they get take what is left. */
export async function drain(world: World): Promise<void> {
  await world.answers();
  for (const member of world.members) {
    ack(world, member, sureHeld(member));
    world.leave(member, false);
  }
  for (const { groups } of world.streams.values()) {
    for (const book of groups.values()) await world.join(book, LEASE_MS, PREFETCH);
  }
  const deadline = performance.now() + STALLED_MS;
  while (!(await isDrained(world))) {
    for (const member of world.members) ack(world, member, sureHeld(member));
    await world.answers();
    if (performance.now() > deadline) throw new Error(`it does not drain: ${await leftOf(world)}`);
    await until(performance.now() + 1);
  }
}

async function isDrained(world: World): Promise<boolean> {
  const all = await Promise.all([...world.streams.keys()].map((name) => world.engine.streamInfo(name)));
  return all.every(
    ({ delayed, groups }) => delayed === 0 && groups.every(({ lag, pending }) => lag === 0 && pending === 0),
  );
}

async function leftOf(world: World): Promise<string> {
  const all = await Promise.all([...world.streams.keys()].map((name) => world.engine.streamInfo(name)));
  return JSON.stringify(all.map(({ name, delayed, groups }) => ({ name, delayed, groups })));
}

/** What must be true of every message now that nothing is left. */
export async function reckon(world: World): Promise<void> {
  await checkTold(world);
  for (const stream of world.streams.values()) {
    await readAll(world, stream);
    const letters = await listLetters(world, stream);
    for (const book of stream.groups.values()) checkGroup(book, letters);
    for (const letter of letters) checkLetter(stream, letter);
    checkPublications(stream);
    checkRedriven(stream);
  }
  await checkTold(world);
}

/** Every message of the group was acked, or is a dead letter, or there is a reason why it was missed. */
function checkGroup(book: GroupBook, letters: readonly Letter[]): void {
  const { stream, name, settings } = book;
  const own = letters.filter(({ dead }) => dead.group === name);
  const buried = new Set(own.map(({ dead }) => dead.sequence));
  if (book.resets === 0 && buried.size < own.length)
    throw new Error(`'${name}' has two dead letters of one message`);
  for (const entry of stream.entries.values()) {
    const { sequence } = entry;
    if (!book.isFor(entry) || stream.isGone(sequence)) continue;
    const progress = book.get(sequence);
    const isLetter = buried.has(sequence) || stream.takenLetters.has(`${name} ${sequence}`);
    const isAcked =
      progress?.state === 'done' || progress?.state === 'free' || progress?.next.has('done') === true;
    const isExpired = book.mayBeExpired(entry) && !settings.deadLetterExpired;
    if (isAcked || isLetter || isExpired) continue;
    throw new Error(
      `${stream.name}/${sequence} is lost to '${name}', where it is ${progress?.state ?? 'new'}`,
    );
  }
}

/** A dead letter tells of every attempt. */
function checkLetter(stream: StreamBook, { body, dead }: Letter): void {
  const { group, sequence, cause, attempts, error } = dead;
  const where = `the dead letter of ${stream.name}/${sequence} of '${group}'`;
  const entry = stream.entries.get(sequence);
  const book = stream.groups.get(group);
  if (entry !== undefined && entry.publication.body !== body) throw new Error(`${where} is '${body}'`);
  const progress = book?.get(sequence);
  if (entry === undefined || book === undefined || progress === undefined || book.resets > 0) return;
  if (progress.state === 'done' && !stream.isGone(sequence)) throw new Error(`${where}: it was acked`);
  checkCause(book, entry, dead, where);
  const isRising = attempts.every(({ attempt }, index) => attempt > (attempts[index - 1]?.attempt ?? 0));
  if (!isRising) throw new Error(`${where} has the attempts ${attempts.map(({ attempt }) => attempt)}`);
  for (const failed of progress.failures) {
    const told = attempts.find(({ attempt }) => attempt === failed.attempt);
    const isTold =
      told?.cause === failed.cause && (failed.error === undefined || told.error === failed.error);
    if (!isTold)
      throw new Error(
        `${where} tells of attempt ${failed.attempt} ${JSON.stringify(told)}, and it was ${failed.cause}`,
      );
  }
  const last = progress.failures.at(-1)?.error;
  if (cause === 'rejected' && last !== undefined && error !== last)
    throw new Error(`${where} says '${error}'`);
}

function checkCause(
  { settings }: GroupBook,
  entry: Entry,
  { cause, attempts }: Letter['dead'],
  where: string,
): void {
  const last = attempts.at(-1);
  const isRight =
    (cause === 'maxDeliveries' && last?.attempt === settings.retry.maxDeliveries) ||
    (cause === 'rejected' && last?.cause === 'rejected') ||
    (cause === 'expired' && settings.deadLetterExpired && ttlOf(entry) !== undefined);
  if (!isRight) throw new Error(`${where} has the cause ${cause} after ${JSON.stringify(last)}`);
}

function checkPublications(stream: StreamBook): void {
  for (const { body, fate, mayBePassed } of stream.publications.values()) {
    const isOpen = fate === 'asked' || (fate === 'delayed' && !mayBePassed) || fate === 'unknown';
    if (isOpen && !stream.trims && stream.purgedTo === 1) throw new Error(`'${body}' is still ${fate}`);
  }
}

/** What was redriven came back, once each time. */
function checkRedriven(stream: StreamBook): void {
  if (stream.trims || stream.purgedTo > 1) return;
  for (const [key, times] of Map.groupBy(stream.sureRedriven, (each) => each)) {
    const found = [...stream.entries.values()].filter(
      ({ group, publication }) => `${group} ${publication.body}` === key,
    );
    const book = stream.groups.get(key.slice(0, key.indexOf(' message ')));
    if (book?.resets === 0 && found.length < times.length)
      throw new Error(`'${key}' was redriven ${times.length} times, and came ${found.length} times`);
  }
}
