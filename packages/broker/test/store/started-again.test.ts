import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { copyDataFolder, segmentsIn, temporaryFolder } from '@simplemq/testkit';
import { expect, test } from 'vitest';
import { encodeCommit } from '../../src/store/sqlite/commit-record.ts';
import { JournaledDatabase } from '../../src/store/sqlite/journaled-database.ts';
import { KnownGroups } from '../../src/store/sqlite/known-groups.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import type { StoreTransaction } from '../../src/store/store.ts';
import { bodiesOf, placedBatch } from '../batches.ts';
import { inLane, NOTHING, newStream, withStore } from './transactions.ts';

/** Written past the page cache, from the next page on. */
const LARGE = 'x'.repeat(200_000);
const PAGE_BYTES = 4096;

test('a broker starts after a kill and then a power cut, wherever the database was in the journal', async () => {
  await using running = await temporaryFolder();
  await using killed = await temporaryFolder();
  await using cut = await temporaryFolder();
  withDatabase(running.path, (storage) => {
    commit(storage, { createdStreams: [newStream(1)], batches: inLane(1, 0, [placedBatch(1, 'before')]) });
    // As when it tidies up; what the database knows of it then is not synced.
    storage.journal.closeSegment();
    storage.commitIndex();
    copyDataFolder(running.path, killed.path);
  });
  withDatabase(killed.path, (storage) => {
    commit(storage, { batches: inLane(1, 0, [placedBatch(2, 'after')]) });
    // Of the database the power cut leaves what a checkpoint brought to its file, and nothing of its log.
    for (const name of ['simplemq.db', ...segmentsIn(killed.path)]) {
      copyFileSync(join(killed.path, name), join(cut.path, name));
    }
  });
  await withStore(await openSqliteStore({ folder: cut.path }), async (store) => {
    const batches = await store.read({ streamId: 1, lane: 0, from: 1, bytesMax: 1_000 });
    expect(batches.flatMap(bodiesOf)).toEqual(['before', 'after']);
  });
});

test('a broker starts again and again after a power cut that tore a large message', async () => {
  await using running = await temporaryFolder();
  await using torn = await temporaryFolder();
  await using again = await temporaryFolder();
  withDatabase(running.path, (storage) => {
    commit(storage, { createdStreams: [newStream(1)], batches: inLane(1, 0, [placedBatch(1, 'before')]) });
    commit(storage, { batches: inLane(1, 0, [placedBatch(2, LARGE)]) });
    copyDataFolder(running.path, torn.path);
    const file = join(torn.path, 'simplemq.journal-1');
    const bytes = readFileSync(file);
    writeFileSync(file, bytes.fill(0, storage.journal.end.position - PAGE_BYTES));
  });
  withDatabase(torn.path, (storage) => {
    commit(storage, { batches: inLane(1, 0, [placedBatch(2, 'after')]) });
    copyDataFolder(torn.path, again.path);
  });
  await withStore(await openSqliteStore({ folder: again.path }), async (store) => {
    const batches = await store.read({ streamId: 1, lane: 0, from: 1, bytesMax: 1_000 });
    expect(batches.flatMap(bodiesOf)).toEqual(['before', 'after']);
  });
});

function commit(storage: JournaledDatabase, transaction: Partial<StoreTransaction>): void {
  storage.commit(encodeCommit({ ...NOTHING, ...transaction }, new KnownGroups([])));
}

function withDatabase(folder: string, act: (storage: JournaledDatabase) => void): void {
  const storage = new JournaledDatabase({ folder });
  try {
    act(storage);
  } finally {
    storage.close();
  }
}
