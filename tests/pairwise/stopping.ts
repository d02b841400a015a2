import { join } from 'node:path';
import { copyDataFolder } from '@simplemq/testkit';
import { readBack } from '../../packages/broker/test/batches.ts';
import { createGroups } from './administering.ts';
import type { Publication } from './publication.ts';
import type { StreamBook } from './stream-book.ts';
import { notStalled, until, type World } from './world.ts';

/** How much delays may seem too short after a start: the wall clock tells whole milliseconds. */
const CLOCK_SLACK_MS = 2;

/** Closes the broker as it should be, with requests under way or not, and opens it again. */
export async function restart(world: World, isIdle: boolean): Promise<void> {
  if (isIdle) await world.answers();
  world.isClosing = true;
  for (const member of world.members) member.book.leave(member, false);
  await notStalled('the end of the broker', world.engine.close());
  await world.answers();
  world.isClosing = false;
  world.journal.confirm(world.journal.tick());
  await reopen(world, false);
}

/** Takes a copy of the data folder as a crash would leave it now, and goes on with that. */
export async function crash(world: World): Promise<void> {
  if (world.settings.storage === 'memory') return restart(world, false);
  const folder = join(world.folder, '..', String(Number(world.folder.split('/').at(-1)) + 1));
  copyDataFolder(world.folder, folder);
  world.abandonEngine();
  for (const member of world.members) member.isGone = true;
  const crashed = world.engine;
  world.folder = folder;
  try {
    await reopen(world, true);
  } finally {
    await notStalled('the end of the broker that crashed', crashed.close());
  }
}

async function reopen(world: World, isCrash: boolean): Promise<void> {
  for (const stream of world.streams.values()) {
    if (stream.survives) for (const book of stream.groups.values()) book.restarted(isCrash);
    else world.streams.delete(stream.name);
  }
  await world.openEngine();
  for (const stream of world.streams.values()) {
    stream.clockSlackMs += CLOCK_SLACK_MS;
    await findOut(world, stream);
  }
  checkTransactions(world);
  for (const publications of world.hiddenPublishes) checkWhole(world, publications);
  world.hidden = [];
  world.hiddenPublishes = [];
  await createGroups(world);
}

/** Reads all that there is, to know what became of that which was not answered. */
async function findOut(world: World, stream: StreamBook): Promise<void> {
  const isDelayed = async () => (await world.engine.streamInfo(stream.name)).delayed > 0;
  while (await isDelayed()) await until(performance.now() + 1);
  const found = await readAll(world, stream);
  for (const publication of stream.publications.values()) {
    const { body, fate, sequence, mayBePassed } = publication;
    if (fate === 'unknown' && !stream.trims) publication.fate = 'lost';
    if (stream.trims || mayBePassed || (fate !== 'stored' && fate !== 'delayed')) continue;
    const entry = sequence === undefined ? undefined : stream.entries.get(sequence);
    const mayBeGone = entry !== undefined && (entry.sequence < stream.purgedTo || stream.mayBeGone(entry));
    if (!found.has(body) && !mayBeGone) throw new Error(`'${body}' (${sequence}) was ${fate}, and is lost`);
  }
}

/** @returns the bodies that are there; each is entered into the book */
export async function readAll(world: World, stream: StreamBook): Promise<ReadonlySet<string>> {
  const bodies = new Set<string>();
  for (let from = 1, more = true; more; ) {
    const page = await world.engine.read({ stream: stream.name, startFrom: { sequence: from } });
    for (const run of page.runs) {
      readBack(run).forEach(({ body, attributes }, index) => {
        stream.bind(run.first + index, body, attributes.group);
        bodies.add(body);
      });
    }
    from = page.next;
    more = page.more;
  }
  await world.look(stream);
  return bodies;
}

/** The acks of a transaction are there when its messages are, and not otherwise. */
function checkTransactions(world: World): void {
  for (const { acks, publications } of world.hidden) {
    const isThere = publications.every(({ fate }) => fate === 'stored');
    for (const progress of acks) {
      const { sequence } = progress.entry;
      const next = [...progress.next].filter((each) => isThere === (each === 'done'));
      if (next.length === 0)
        throw new Error(
          `half a transaction: its messages are there is ${isThere}, and ${sequence} is ${[...progress.next]}`,
        );
      progress.next = new Set(next);
      progress.trail.settle(progress.next);
      if (isThere) progress.state = 'done';
    }
  }
}

/** A publish is stored as a whole, but for what was known by its message id. */
function checkWhole(world: World, publications: readonly Publication[]): void {
  if (world.main.trims) return;
  const there = publications.filter(({ fate }) => fate === 'stored');
  const missing = publications.filter(({ fate }) => fate === 'lost');
  const strange = missing.filter(({ attributes }) => attributes.messageId === undefined);
  if (there.length === 0 || strange.length === 0) return;
  throw new Error(`half a publish: '${there[0]!.body}' is there, and '${strange[0]!.body}' is not`);
}
