import { temporaryFolder } from '@simplemq/testkit';
import { expect, test, vi } from 'vitest';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { placedBatch } from '../batches.ts';
import { inLane, NOTHING, newStream, withStore } from './transactions.ts';

test('a store tells what it is at while it has not answered', async () => {
  await using folder = await temporaryFolder();
  await withStore(await openSqliteStore({ folder: folder.path }), async (store) => {
    expect(store.health()).toEqual({ isFull: false });
    // Too large to be waited for by looking.
    const batches = inLane(1, 0, [placedBatch(1, 'x'.repeat(100_000))]);
    const committed = store.commit({ ...NOTHING, createdStreams: [newStream(1)], batches });
    const { waiting } = store.health();
    expect(waiting?.doing).toMatch(/^(a commit|upkeep between requests)$/);
    expect(waiting?.silentMs).toBeGreaterThanOrEqual(0);
    expect(waiting?.silentMs).toBeLessThan(30_000);
    await committed;
    expect(store.health()).toEqual({ isFull: false });
  });
});

test('a store is full from a commit without room on, until there is some, though nobody publishes', async () => {
  await using folder = await temporaryFolder();
  await withStore(await openSqliteStore({ folder: folder.path, bytesMax: 600_000 }), async (store) => {
    const body = 'x'.repeat(200_000);
    const publish = (first: number) =>
      store.commit({ ...NOTHING, batches: inLane(1, 0, [placedBatch(first, body)]) });
    await store.commit({ ...NOTHING, createdStreams: [newStream(1)] });
    await publish(1);
    await expect(publish(2).then(() => publish(3))).rejects.toMatchObject({ code: 'StorageFull' });
    expect(store.health()).toEqual({ isFull: true });
    await store.commit({ ...NOTHING, removals: [{ streamId: 1, lane: 0, first: 1, last: 2 }] });
    await vi.waitFor(() => expect(store.health()).toEqual({ isFull: false }));
  });
});
