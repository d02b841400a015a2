import { temporaryFolder } from '@simplemq/testkit';
import { cancelDelayed, changeGroups, createGroup, purge, reset } from './administering.ts';
import type { Command } from './commands.ts';
import { takeLetters } from './letters.ts';
import type { Member } from './member.ts';
import type { Progress } from './progress.ts';
import { publish, publishAgain, transact } from './publishing.ts';
import { Random } from './random.ts';
import { drain, reckon } from './reckoning.ts';
import type { Settings } from './settings.ts';
import { ack, extend, nack, neglect, reject, release, settleLate, sureHeld } from './settling.ts';
import { crash, restart } from './stopping.ts';
import { checkTold } from './telling.ts';
import { OUT, until, World } from './world.ts';

/** The shortest that there is, which some commands let run out, and one that does not. */
const SHORT_LEASE_MS = 100;
const LONG_LEASE_MS = 30_000;
const MEMBERS_MAX = 8;
/** Messages that are there before the last group is made. */
const BEFORE = 4;

/** Plays a load on a broker with these settings. @throws Error when a promise was broken */
export async function play(settings: Settings, load: readonly Command[]): Promise<void> {
  await using folder = await temporaryFolder();
  const world = await World.open(settings, folder.path);
  try {
    await begin(world);
    for (const command of load) {
      await carryOut(world, command);
      if (command.waits) await world.answers();
      world.throwIfBroken();
      for (const member of world.members) world.topUp(member);
    }
    await drain(world);
    await reckon(world);
    world.throwIfBroken();
  } finally {
    await world.engine.close();
  }
}

/** The groups, of which the last comes to messages that are there already. */
async function begin(world: World): Promise<void> {
  const { groups, startFrom } = world.settings;
  const random = new Random(1);
  for (let index = 0; index < groups - 1; index++) {
    await createGroup(world, world.main, `group ${index}`, index, 'first', random);
  }
  await createGroup(world, world.streams.get(OUT)!, 'group 0', 0, 'first', random);
  publish(world, world.publishers[0]!, BEFORE, random);
  await createGroup(world, world.main, `group ${groups - 1}`, groups - 1, startFrom, random);
}

async function carryOut(world: World, { what, who, count, seed }: Command): Promise<void> {
  const random = new Random(seed);
  const publisher = world.publishers[who % world.publishers.length]!;
  switch (what) {
    case 'publish':
      return publish(world, publisher, count, random);
    case 'publish again':
      return publishAgain(world, publisher, random);
    case 'transact':
      if (world.settings.transactions) transact(world, publisher, who, count, random);
      return;
    case 'join':
      return join(world, who, random);
    case 'pause':
      return until(performance.now() + count);
    case 'look':
      return checkTold(world);
    case 'purge':
      return purge(world, random);
    case 'reset':
      return reset(world, who, random);
    case 'change groups':
      return changeGroups(world, random);
    case 'redrive':
      return takeLetters(world, 'redrive', random);
    case 'delete letters':
      return takeLetters(world, 'delete', random);
    case 'cancel delayed':
      return cancelDelayed(world, random);
    case 'restart':
      return restart(world, random.once(2));
    case 'crash':
      return crash(world);
    default:
      return withMember(world, what, who, count, random);
  }
}

async function join(world: World, who: number, random: Random): Promise<void> {
  if (world.members.length >= MEMBERS_MAX) return;
  const books = [...world.streams.values()].flatMap(({ groups }) => [...groups.values()]);
  const leaseMs = random.once(3) ? SHORT_LEASE_MS : LONG_LEASE_MS;
  await world.join(books[who % books.length]!, leaseMs, world.settings.prefetch);
}

type OfMember =
  | 'ack'
  | 'nack'
  | 'reject'
  | 'release'
  | 'extend'
  | 'settle late'
  | 'neglect'
  | 'leave'
  | 'lose';

async function withMember(
  world: World,
  what: OfMember,
  who: number,
  count: number,
  random: Random,
): Promise<void> {
  const { members } = world;
  const member = members[who % Math.max(1, members.length)];
  if (member === undefined) return;
  if (what === 'leave' || what === 'lose') return world.leave(member, what === 'lose');
  if (what === 'neglect') return member.leaseMs === SHORT_LEASE_MS ? neglect(member) : undefined;
  if (what === 'settle late') return settleLate(world, member, random);
  settle(world, what, member, someHeld(member, count, random), random);
}

/** Neighbours, from the first on or not. */
function someHeld(member: Member, count: number, random: Random): Progress[] {
  const held = sureHeld(member);
  const skipped = random.once(3) ? random.below(held.length + 1) : 0;
  return held.slice(skipped, skipped + count);
}

function settle(
  world: World,
  what: 'ack' | 'nack' | 'reject' | 'release' | 'extend',
  member: Member,
  held: readonly Progress[],
  random: Random,
): void {
  if (what === 'ack') ack(world, member, held);
  else if (what === 'nack') nack(world, member, held, random);
  else if (what === 'reject') reject(world, member, held, random);
  else if (what === 'release') release(world, member, held);
  else extend(world, member, held);
}
