import { StorageFull } from '@simplemq/protocol';
import { describe, expect, test } from 'vitest';
import { batchOf } from '../batches.ts';
import { FakeStore, openOn } from '../fake-store.ts';

const EVERY_SECOND = '* * * * * *';
const clock = { name: 'clock', stream: 's', cron: EVERY_SECOND };
const yearly = { name: 'yearly', stream: 's', cron: '0 0 1 1 *' };

/** A store that has no room for messages, and takes its time to say so: until `refuse` is called. */
function storeWithoutRoom(): {
  store: FakeStore;
  asked: Promise<void>;
  refuse: () => void;
  makeRoom: () => void;
} {
  const store = new FakeStore();
  const [asked, answer] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  store.beforeCommit = async ({ batches }) => {
    if (batches.length === 0) return;
    asked.resolve();
    await answer.promise;
    throw new StorageFull('no room');
  };
  const makeRoom = () => {
    store.beforeCommit = () => {};
  };
  return { store, asked: asked.promise, refuse: answer.resolve, makeRoom };
}

describe('a schedule whose message has no room', () => {
  test('stays deleted when it is deleted meanwhile', async () => {
    const { store, asked, refuse, makeRoom } = storeWithoutRoom();
    const engine = await openOn(store);
    await engine.createStream('s', {});
    await engine.saveSchedule({ ...clock, batch: batchOf('tick') });
    await asked;
    const deleted = engine.deleteSchedule('clock');
    refuse();
    await deleted;
    expect(await engine.listSchedules()).toEqual([]);
    makeRoom();
    await engine.close();
    const next = await openOn(store);
    expect(await next.listSchedules()).toEqual([]);
    await next.close();
  });

  test('publishes it once there is room, though another in its place was refused meanwhile', async () => {
    const { store, asked, refuse, makeRoom } = storeWithoutRoom();
    const engine = await openOn(store);
    await engine.createStream('s', {});
    const { nextAt } = await engine.saveSchedule({ ...clock, batch: batchOf('tick') });
    await asked;
    const saved = engine.saveSchedule({ ...clock, batch: batchOf('tock') });
    refuse();
    await expect(saved).rejects.toMatchObject({ code: 'StorageFull' });
    expect(await engine.listSchedules()).toMatchObject([{ nextAt }]);
    makeRoom();
    await engine.close();
  });
});

test('a schedule that was deleted is gone once that is answered, though one in its place was refused', async () => {
  const store = new FakeStore();
  const engine = await openOn(store);
  await engine.createStream('s', {});
  await engine.saveSchedule({ ...yearly, batch: batchOf('tick') });
  const [asked, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  store.beforeCommit = async ({ schedules }) => {
    asked.resolve();
    await go.promise;
    if (schedules.length > 0) throw new StorageFull('no room');
  };
  // What comes while this is under way is one commit.
  const other = engine.createStream('t', {});
  await asked.promise;
  const deleted = engine.deleteSchedule('yearly').then(() => {
    return store.commits.some(({ deletedSchedules }) => deletedSchedules.includes('yearly'));
  });
  const saved = engine.saveSchedule({ ...yearly, batch: batchOf('tock') });
  go.resolve();
  await Promise.all([other, expect(saved).rejects.toMatchObject({ code: 'StorageFull' })]);
  expect(await deleted).toBe(true);
  expect((await store.load()).schedules).toEqual([]);
  await engine.close();
});

test('a schedule is not said to be paused when that was refused', async () => {
  const store = new FakeStore();
  const engine = await openOn(store);
  await engine.createStream('s', {});
  await engine.saveSchedule({ ...yearly, batch: batchOf('tick') });
  store.beforeCommit = ({ schedules }) => {
    if (schedules.length > 0) throw new StorageFull('no room');
  };
  const paused = [engine.pauseSchedule('yearly', true), engine.pauseSchedule('yearly', true)];
  for (const each of paused) await expect(each).rejects.toMatchObject({ code: 'StorageFull' });
  expect(await engine.listSchedules()).toMatchObject([{ paused: false }]);
  await engine.close();
});
