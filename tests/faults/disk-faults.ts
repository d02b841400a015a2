import type { Fault } from './fault.ts';
import type { Call } from './shim/fault-shim.ts';
import type { World } from './world.ts';

/** Of the calls of one kind so many at the most go well before they fail. */
const SKIP_MAX = 40;
/** About as many files as a start opens. */
const OPENS_OF_A_START = 8;
const SLOW_SYNC_MS_MAX = 5_000;
const HOUR_S = 3_600;

/** Calls of these kinds fail. */
function failing(name: string, title: string, calls: readonly Call[], times: number): Fault {
  return {
    name,
    title,
    async run(world, ms) {
      const before = world.shim.count('failed');
      const said = world.broker.log.length;
      world.shim.fail(calls, 'EIO', { skip: world.random.below(SKIP_MAX), times });
      await world.pass(ms);
      world.shim.stopFailing();
      await endIfFailed(world, said);
      return world.shim.count('failed') > before;
    },
  };
}

/** Files are opened, renamed and cut when a broker starts. */
const failingStart: Fault = {
  name: 'eio-open',
  title: 'EIO from open, truncate, rename, unlink',
  async run(world, ms) {
    await world.pass(ms);
    const before = world.shim.count('failed');
    await world.kill();
    world.shim.fail(['opens', 'others'], 'EIO', { skip: world.random.below(OPENS_OF_A_START), times: 1 });
    await world.start();
    world.shim.stopFailing();
    await world.start();
    return world.shim.count('failed') > before;
  },
};

const readOnly: Fault = {
  name: 'read-only',
  title: 'the file system turns read-only',
  async run(world, ms) {
    const before = world.shim.count('failed');
    const said = world.broker.log.length;
    world.shim.fail(['writes', 'opens', 'others'], 'EROFS');
    await world.pass(ms);
    world.shim.stopFailing();
    await endIfFailed(world, said);
    return world.shim.count('failed') > before;
  },
};

const full: Fault = {
  name: 'disk-full',
  title: 'no room on the disk',
  async run(world, ms) {
    const before = world.shim.count('roomAsked');
    world.shim.isFull = true;
    await world.pass(ms);
    world.shim.isFull = false;
    return world.shim.count('roomAsked') > before;
  },
};

const slowSync: Fault = {
  name: 'slow-sync',
  title: 'syncs that take seconds',
  async run(world, ms) {
    const before = world.shim.count('delayed');
    world.shim.syncDelayMs = 1 + world.random.below(Math.min(SLOW_SYNC_MS_MAX, ms));
    await world.pass(ms);
    world.shim.syncDelayMs = 0;
    return world.shim.count('delayed') > before;
  },
};

function clock(name: string, title: string, offsetS: number): Fault {
  return {
    name,
    title,
    async run(world, ms) {
      const before = world.shim.count('clockReads');
      world.shim.clockOffsetS = offsetS;
      await world.pass(ms);
      world.shim.clockOffsetS = 0;
      return world.shim.count('clockReads') > before;
    },
  };
}

export const DISK_FAULTS: readonly Fault[] = [
  failing('eio-write', 'EIO from a write', ['writes'], 1),
  failing('eio-sync', 'EIO from a sync', ['syncs'], 1),
  failingStart,
  full,
  readOnly,
  slowSync,
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
