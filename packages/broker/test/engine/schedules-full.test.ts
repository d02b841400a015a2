import { StorageFull } from '@simplemq/protocol';
import { describe, expect, test } from 'vitest';
import { batchOf } from '../batches.ts';
import { FakeStore, openOn } from '../fake-store.ts';

const EVERY_SECOND = '* * * * * *';
const clock = { name: 'clock', stream: 's', cron: EVERY_SECOND };

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
