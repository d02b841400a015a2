import fc from 'fast-check';
import { afterEach, beforeEach, test, vi } from 'vitest';
import { turns } from '../test-engine.ts';
import { type Kind, type Step, stepsOf } from './everything-while-full/steps.ts';
import { World } from './everything-while-full/world.ts';

// Time goes by only when a step says so, and so a failure comes again.
beforeEach(() => {
  vi.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'],
  });
});
afterEach(() => void vi.useRealTimers());

const KINDS: readonly (Kind & { readonly runs: number })[] = [
  { storage: 'file', overflow: 'reject', runs: 1_000 },
  { storage: 'file', overflow: 'drop-oldest', runs: 1_000 },
  { storage: 'memory', overflow: 'reject', runs: 2_000 },
  { storage: 'memory', overflow: 'drop-oldest', runs: 2_000 },
];

test.each(KINDS)(
  'a work queue ($storage, $overflow) counts right, and has each message once, when what was asked is refused while all else goes on',
  async ({ runs, ...kind }) => {
    const property = fc.asyncProperty(fc.boolean(), stepsOf(kind), async (isSlow, steps) => {
      const world = new World(kind, isSlow);
      await world.open();
      for (const step of steps) await take(world, step);
      await world.check();
      await world.drain();
    });
    await fc.assert(property, { numRuns: runs });
  },
);

async function take(world: World, step: Step): Promise<void> {
  if (step.do === 'publish') world.publish(step);
  else if (step.do === 'settle') world.settle(step.how, step.count);
  else if (step.do === 'begin') world.begin(step.group, step.at);
  else if (step.do === 'delete') world.delete(step.group);
  else if (step.do === 'update') world.update(step.group, step.maxDeliveries);
  else if (step.do === 'limit') world.limit(step.maxMessages);
  else if (step.do === 'purge') world.purge(step.back);
  else if (step.do === 'redrive') world.redrive(step.limit);
  else if (step.do === 'delete dead letters') world.deleteDead(step.limit);
  else if (step.do === 'purge dead letters') world.purgeDead(step.back);
  else if (step.do === 'cancel') world.cancel(step.count);
  else if (step.do === 'publish to the other') world.publishToOther();
  else if (step.do === 'make the other anew') world.makeOtherAnew();
  else if (step.do === 'room') world.room(step.room);
  else if (step.do === 'pause') await turns(step.turns);
  else if (step.do === 'pass') vi.advanceTimersByTime(step.ms);
  else if (step.do === 'answers') await world.answers();
  else if (step.do === 'restart') await world.restart();
  else await world.kill();
}
