import { closeSync, openSync, truncateSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { copyDataFolder, segmentsIn, temporaryFolder } from '@simplemq/testkit';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Segment } from '../../src/store/journal/segment.ts';
import { metasOf } from '../../src/store/journal/segment-records.ts';
import { checkFolder } from '../../src/store/sqlite/check-folder.ts';
import { encodeCommit } from '../../src/store/sqlite/commit-record.ts';
import { JournaledDatabase } from '../../src/store/sqlite/journaled-database.ts';
import { KnownGroups } from '../../src/store/sqlite/known-groups.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import type { StoreTransaction } from '../../src/store/store.ts';
import { placedBatch } from '../batches.ts';
import { inLane, NOTHING, newStream } from './transactions.ts';

const COMMITS = 6;
/** Each is written directly, and begins at a block. */
const BODY_BYTES = 131_000;

test('check finds what keeps a broker from starting, though no message lay there', async () => {
  await using original = await temporaryFolder();
  makeIdle(original.path);
  const name = segmentsIn(original.path).at(-1)!;
  const segment = Segment.open(join(original.path, name), 1, 'r')!;
  const ends = [...metasOf(segment, 0)].map(({ position, dataBytes }) => position + dataBytes);
  segment.close();
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: ends.at(-1)! - 1 }), async (byte) => {
      await using folder = await temporaryFolder();
      copyDataFolder(original.path, folder.path);
      truncateSync(join(folder.path, name), byte);
      const isRefused = await openSqliteStore({ folder: folder.path }).then(
        (store) => store.close().then(() => false),
        () => true,
      );
      if (!isRefused) return;
      refused++;
      expect((await checkFolder({ folder: folder.path })).findings).not.toEqual([]);
    }),
    // Where a commit ends, and in the bytes between two, nothing looks torn.
    { numRuns: 12, examples: ends.slice(1, -1).flatMap((end) => [[end], [end + 7]]) },
  );
  expect(refused).toBeGreaterThan(0);
});

test('check of a database that cannot be read tells of no segment that is missing', async () => {
  await using folder = await temporaryFolder();
  makeIdle(folder.path);
  const file = openSync(join(folder.path, 'simplemq.db'), 'r+');
  writeSync(file, Buffer.alloc(50, 'A'), 0, 50, 0);
  closeSync(file);
  const { findings } = await checkFolder({ folder: folder.path });
  expect(findings.map(({ why }) => why)).toEqual(['file is not a database']);
});

/** The folder of a broker that was idle, so that its database had all of the journal; then its power went. */
function makeIdle(folder: string): void {
  const storage = new JournaledDatabase({ folder: folder });
  const known = new KnownGroups([]);
  const commit = (parts: Partial<StoreTransaction>) =>
    storage.commit(encodeCommit({ ...NOTHING, ...parts }, known));
  commit({ createdStreams: [newStream(1)] });
  for (let number = 1; number <= COMMITS; number++)
    commit({ batches: inLane(1, 0, [placedBatch(number, 'x'.repeat(BODY_BYTES))]) });
  // All but the first are gone again.
  commit({ removals: [{ streamId: 1, lane: 0, first: 2, last: COMMITS }] });
  storage.checkpoint('PASSIVE');
  storage.abandon();
}
