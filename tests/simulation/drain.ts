import { readBack } from '../../packages/broker/test/batches.ts';
import { checkLimits } from './limit-checks.ts';
import { endSchedules } from './schedule-commands.ts';
import type { World } from './world.ts';

/** Once faults have ended everything is drained by then, in ms. */
const DRAINED_MS_MAX = 120_000;
/** How often it is asked whether it is, in ms. */
const ASKED_EVERY_MS = 100;
/** What followers sent before they left has been done by then, in ms. */
const UNDER_WAY_MS = 300;
/** Credit that is not used up. */
const ENDLESS = 1_000_000;

/** Faults end: publishers get their answers, and followers that ack everything get what is left. */
export async function drain(world: World): Promise<void> {
  const { time, broker, book } = world;
  Object.assign(world.faults, { full: 'no', slowness: 1, failsNext: 'no' });
  // What was failing has failed by then, and what was to start has begun to.
  do await time.sleep(ASKED_EVERY_MS);
  while (broker.engine === undefined);
  await endSchedules(world);
  for (const follower of world.followers) follower.close();
  await time.sleep(UNDER_WAY_MS);
  for (const { name } of world.streams) await world.create(name).catch(() => {});
  followEverything(world);
  const until = time.now + DRAINED_MS_MAX;
  let left = await leftAfterCommits(world);
  for (; left.length > 0 && time.now < until; left = await leftAfterCommits(world))
    await time.sleep(ASKED_EVERY_MS);
  if (left.length > 0) book.violate('notDrained', left.join('; '));
  for (const { name, groups } of world.streams) for (const group of groups) await world.look(name, group);
  for (const { name } of world.plan.memory) await takeLetters(world, name);
  await checkLimits(world);
}

function followEverything(world: World): void {
  for (const { name, groups } of world.streams) {
    for (const group of groups) {
      const habits = { leaseMs: 1_000, credit: ENDLESS, paceMs: 1, isSteady: true };
      world
        .addFollower({ name: `last-${group}-${name}`, bind: { stream: name }, group, ...habits })
        .connect();
    }
  }
}

/** What is not drained yet, and is not on its way either: what a transaction acks is gone from memory before it publishes. */
async function leftAfterCommits(world: World): Promise<string[]> {
  const left = await leftIn(world);
  if (left.length > 0) return left;
  // Answered once all before it is on the disk.
  for (const { name, options } of world.streams) await world.broker.engine?.createStream(name, options);
  return leftIn(world);
}

/** The dead letters of a memory stream, which come to no disk. */
async function takeLetters({ broker: { engine }, book }: World, stream: string): Promise<void> {
  for (let after = 0, more = engine !== undefined; more; ) {
    const page = await engine!.deadLetters({ stream, after });
    for (const run of page.runs)
      for (const { body, attributes } of readBack(run)) book.buried(attributes.dead!, body);
    more = page.more;
    after = page.next - 1;
  }
}

/** What is not drained yet. */
async function leftIn({ broker: { engine }, publishers, streams }: World): Promise<string[]> {
  if (engine === undefined) return ['the broker is not there'];
  const left = publishers.filter(({ isIdle }) => !isIdle).map(({ name }) => `${name} has no answer`);
  for (const { name } of streams) {
    const { delayed, groups } = await engine.streamInfo(name);
    if (delayed > 0) left.push(`${name} has ${delayed} delayed`);
    for (const { name: group, lag, pending } of groups)
      if (lag + pending > 0) left.push(`${group} on ${name} has ${lag} to come and ${pending} pending`);
  }
  return left;
}
