import { statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { copyDataFolder, segmentsIn, temporaryFolder } from '@simplemq/testkit';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkFolder } from '../../src/store/sqlite/check-folder.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { placedBatch } from '../batches.ts';
import { inLane, NOTHING, newStream, withStore } from './transactions.ts';

const COMMITS = 6;
/** Each is written directly, and begins at a block. */
const BODY_BYTES = 131_000;

test('check finds what keeps a broker from starting, though no message lay there', async () => {
  await using original = await temporaryFolder();
  await withStore(await openSqliteStore({ folder: original.path }), async (store) => {
    await store.commit({ ...NOTHING, createdStreams: [newStream(1)] });
    for (let number = 1; number <= COMMITS; number++) {
      const batch = placedBatch(number, 'x'.repeat(BODY_BYTES));
      await store.commit({ ...NOTHING, batches: inLane(1, 0, [batch]) });
    }
    // All but the first are gone again.
    await store.commit({ ...NOTHING, removals: [{ streamId: 1, lane: 0, first: 2, last: COMMITS }] });
  });
  const segment = segmentsIn(original.path).at(-1)!;
  const { size } = statSync(join(original.path, segment));
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: size - 1 }), async (byte) => {
      await using folder = await temporaryFolder();
      copyDataFolder(original.path, folder.path);
      truncateSync(join(folder.path, segment), byte);
      const isRefused = await openSqliteStore({ folder: folder.path }).then(
        (store) => store.close().then(() => false),
        () => true,
      );
      if (!isRefused) return;
      refused++;
      expect((await checkFolder({ folder: folder.path })).findings).not.toEqual([]);
    }),
    // In front of the commit of the first and behind it, and in the bytes between two.
    { numRuns: 12, examples: [[size - 10], [50], [BODY_BYTES * 3]] },
  );
  expect(refused).toBeGreaterThan(0);
});
