import type { Fault } from './fault.ts';
import type { Call, Counted } from './shim/fault-shim.ts';
import type { World } from './world.ts';

/** Of the calls of one kind so many at the most go well before they fail. */
const SKIP_MAX = 40;
/** About as many files as a start opens. */
const OPENS_OF_A_START = 8;
/** And about as many calls of all kinds as it makes. */
const CALLS_OF_A_START = 40;
const SLOW_SYNC_MS_MAX = 5_000;
const HOUR_S = 3_600;

/** What the shim counts tells whether a fault took effect. */
function counted(
  name: string,
  title: string,
  what: Counted,
  suffer: (world: World, ms: number) => Promise<void>,
): Fault {
  return {
    name,
    title,
    async run(world, ms) {
      const before = world.shim.count(what);
      await suffer(world, ms);
      return world.shim.count(what) > before;
    },
  };
}

function failing(name: string, title: string, failure: Failure): Fault {
  return counted(name, title, 'failed', async (world, ms) => {
    const { calls, code, skipMax = 0, times } = failure;
    const said = world.broker.log.length;
    const skip = skipMax === 0 ? 0 : world.random.below(skipMax);
    world.shim.fail(calls, code, { skip, ...(times !== undefined && { times }) });
    await world.pass(ms);
    world.shim.stopFailing();
    await endIfFailed(world, said);
  });
}

interface Failure {
  readonly calls: readonly Call[];
  readonly code: 'EIO' | 'EROFS';
  /** Up to so many go well before. */
  readonly skipMax?: number;
  /** All, unless given. */
  readonly times?: number;
}

/** Files are opened, renamed and cut when a broker starts. */
async function failStart(world: World, ms: number): Promise<void> {
  await world.pass(ms);
  await world.kill();
  world.shim.fail(['opens', 'others'], 'EIO', { skip: world.random.below(OPENS_OF_A_START), times: 1 });
  await world.start();
  world.shim.stopFailing();
  await world.start();
}

/** At a point of a commit, or of a start. */
async function killAtCall(world: World, ms: number): Promise<void> {
  if (world.random.below(2) === 0) {
    world.shim.killAt(['writes', 'syncs'], world.random.below(SKIP_MAX));
    await world.endsWithin(ms);
  } else {
    await world.kill();
    world.shim.killAt(['writes', 'syncs', 'opens', 'others'], world.random.below(CALLS_OF_A_START));
    await world.start();
  }
  world.shim.stopFailing();
  await world.start();
}

async function fill(world: World, ms: number): Promise<void> {
  world.shim.isFull = true;
  await world.pass(ms);
  world.shim.isFull = false;
}

async function slowDown(world: World, ms: number): Promise<void> {
  world.shim.syncDelayMs = 1 + world.random.below(Math.min(SLOW_SYNC_MS_MAX, ms));
  await world.pass(ms);
  world.shim.syncDelayMs = 0;
}

function clock(name: string, title: string, offsetS: number): Fault {
  return counted(name, title, 'clockReads', async (world, ms) => {
    world.shim.clockOffsetS = offsetS;
    await world.pass(ms);
    world.shim.clockOffsetS = 0;
  });
}

export const DISK_FAULTS: readonly Fault[] = [
  failing('eio-write', 'EIO from a write', { calls: ['writes'], code: 'EIO', skipMax: SKIP_MAX, times: 1 }),
  failing('eio-sync', 'EIO from a sync', { calls: ['syncs'], code: 'EIO', skipMax: SKIP_MAX, times: 1 }),
  counted('eio-open', 'EIO from open, truncate, rename, unlink', 'failed', failStart),
  counted('kill-at-call', 'SIGKILL right before a write, sync, open, truncate, rename', 'failed', killAtCall),
  counted('disk-full', 'no room on the disk', 'roomAsked', fill),
  failing('read-only', 'the file system turns read-only', {
    calls: ['writes', 'opens', 'others'],
    code: 'EROFS',
  }),
  counted('slow-sync', 'syncs that take seconds', 'delayed', slowDown),
  clock('clock-forward', 'the clock of day an hour ahead', HOUR_S),
  clock('clock-back', 'the clock of day an hour behind', -HOUR_S),
];

/** How long a broker whose disk has failed may take to end. */
const END_MS_MAX = 5_000;

/**
 * After a fault of the disk the broker goes on or ends by itself; either is right.
 *
 * @param said how long its log was before
 */
async function endIfFailed(world: World, said: number): Promise<void> {
  if (world.broker.log.indexOf('the engine failed', said) >= 0) await world.endsWithin(END_MS_MAX);
  await world.start();
}
