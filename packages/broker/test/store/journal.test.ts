import { copyFileSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { copyDataFolder, segmentsIn, temporaryFolder } from '@simplemq/testkit';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Segment } from '../../src/store/journal/segment.ts';
import { recordsOf } from '../../src/store/journal/segment-records.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import type { Store, StoredDamage } from '../../src/store/store.ts';
import { bodiesOf, placedBatch } from '../batches.ts';
import { inLane, NOTHING, newStream, withStore } from './transactions.ts';

const DATABASE = 'simplemq.db';
const COMMITS = 8;

describe('the journal', () => {
  test('has all that was answered, wherever a crash cuts or tears what came after it', async () => {
    await using original = await temporaryFolder();
    await copyOfRunning(original.path);
    const { bytes, ends } = segmentIn(original.path);
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: ends.at(-1)! - ends[0]! }),
        fc.constantFrom('cut', 'zeros', 'noise', 'a sector of the middle'),
        async (offset, kind) => {
          await using folder = await temporaryFolder();
          copyDataFolder(original.path, folder.path);
          const at = ends[0]! + offset;
          writeFileSync(join(folder.path, 'simplemq.journal-1'), torn(bytes, ends, at, kind));
          const kept = ends.filter((end) => end <= at).length - 1;
          await withStore(await openSqliteStore({ folder: folder.path }), async (store) => {
            expect(await bodiesIn(store)).toEqual(numbersTo(kept));
            // It goes on behind what was torn.
            await commitBody(store, kept + 1);
            expect(await bodiesIn(store)).toEqual(numbersTo(kept + 1));
          });
          await withStore(await openSqliteStore({ folder: folder.path }), async (store) => {
            expect(await bodiesIn(store)).toEqual(numbersTo(kept + 1));
          });
        },
      ),
      { numRuns: 15 },
    );
  });

  test('does not pass over a commit of which nothing is left, whatever comes behind it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(1, 3_000, 130_000, 200_001), { minLength: 2, maxLength: 6 }),
        fc.nat(),
        async (sizes, choice) => {
          await using folder = await temporaryFolder();
          await using copy = await temporaryFolder();
          await withStore(await openSqliteStore({ folder: folder.path }), async (store) => {
            await store.commit({ ...NOTHING, createdStreams: [newStream(1)] });
            for (const [index, size] of sizes.entries()) {
              const batch = placedBatch(index + 1, 'x'.repeat(size));
              await store.commit({ ...NOTHING, batches: inLane(1, 0, [batch]) });
            }
            copyDataFolder(folder.path, copy.path);
          });
          const { bytes, ends } = segmentIn(copy.path);
          // Any but the first, which makes the stream, and the last, which may have been torn by the crash.
          const victim = 1 + (choice % (ends.length - 2));
          bytes.fill(0, ends[victim - 1], ends[victim]);
          writeFileSync(join(copy.path, 'simplemq.journal-1'), bytes);
          await expect(openSqliteStore({ folder: copy.path })).rejects.toThrow(
            `segment 1 of the journal is damaged at byte ${ends[victim - 1]}`,
          );
        },
      ),
      { numRuns: 8 },
    );
  });

  test('has commits of any size side by side, and after a crash', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(10, 3_000, 4_096, 130_000, 200_001, 9_000_000), {
          minLength: 1,
          maxLength: 12,
        }),
        async (sizes) => {
          await using folder = await temporaryFolder();
          await using crashed = await temporaryFolder();
          const bodies = sizes.map((size, index) => String(index % 10).repeat(size));
          await withStore(await openSqliteStore({ folder: folder.path }), async (store) => {
            await store.commit({ ...NOTHING, createdStreams: [newStream(1)] });
            for (const [index, body] of bodies.entries()) {
              await store.commit({ ...NOTHING, batches: inLane(1, 0, [placedBatch(index + 1, body)]) });
            }
            copyDataFolder(folder.path, crashed.path);
            expect(await bodiesIn(store)).toEqual(bodies);
          });
          for (const { path } of [folder, crashed]) {
            await withStore(await openSqliteStore({ folder: path }), async (store) => {
              expect(await bodiesIn(store)).toEqual(bodies);
            });
          }
        },
      ),
      { numRuns: 10 },
    );
  });

  test('brings a database that lost its last commits in a power cut to where it was', async () => {
    await using folder = await temporaryFolder();
    await using before = await temporaryFolder();
    await using after = await temporaryFolder();
    await withStore(await openSqliteStore({ folder: folder.path }), async (store) => {
      await store.commit({ ...NOTHING, createdStreams: [newStream(1)] });
      for (let number = 1; number <= 3; number++) await commitBody(store, number);
      copyDataFolder(folder.path, before.path);
      for (let number = 4; number <= 6; number++) await commitBody(store, number);
      await store.commit({ ...NOTHING, removals: [{ streamId: 1, lane: 0, first: 1, last: 2 }] });
    });
    // The database of before, with the journal of after.
    copyDataFolder(folder.path, after.path);
    rmSync(join(after.path, DATABASE));
    copyFileSync(join(before.path, DATABASE), join(after.path, DATABASE));
    await withStore(await openSqliteStore({ folder: after.path }), async (store) => {
      expect(await bodiesIn(store)).toEqual([3, 4, 5, 6].map(String));
    });
  });

  test('brings back what a database gave up because it was full', async () => {
    await using folder = await temporaryFolder();
    const large = { text: 'x'.repeat(3_000) };
    let created = 0;
    await withStore(await openSqliteStore({ folder: folder.path, bytesMax: 600_000 }), async (store) => {
      for (let isFull = false; !isFull; ) {
        const createdStreams = [{ ...newStream(created + 1), options: large }];
        await store.commit({ ...NOTHING, createdStreams }).then(
          () => created++,
          (error) => {
            expect(error).toMatchObject({ code: 'StorageFull' });
            isFull = true;
          },
        );
      }
      expect(created).toBeGreaterThan(20);
      // What needs no room goes on.
      await store.commit({ ...NOTHING, clockOffsetMs: [7] });
    });
    await withStore(await openSqliteStore({ folder: folder.path }), async (store) => {
      const { streams, clockOffsetMs } = await store.load();
      expect(streams.map(({ id }) => id)).toEqual(Array.from({ length: created }, (_, index) => index + 1));
      expect(clockOffsetMs).toBe(7);
    });
  });

  test.each([
    [
      'is missing',
      (file: string) => renameSync(file, `${file}.away`),
      /^segment 1 of the journal is missing/,
    ],
    [
      'is shorter than it was',
      (file: string) => truncateSync(file, 50),
      /^segment 1 of the journal is damaged .* 'simplemq check/,
    ],
  ])('is not started on when a segment %s', async (_, harm, message) => {
    await using folder = await temporaryFolder();
    await withStore(await openSqliteStore({ folder: folder.path }), async (store) => {
      await store.commit({ ...NOTHING, createdStreams: [newStream(1)] });
      for (let number = 1; number <= 3; number++) await commitBody(store, number);
    });
    harm(join(folder.path, segmentsIn(folder.path)[0]!));
    await expect(openSqliteStore({ folder: folder.path })).rejects.toMatchObject({
      code: 'StorageFailed',
      message: expect.stringMatching(message),
    });
  });

  test('keeps a last segment whose header is damaged, and all that is in it', async () => {
    await using folder = await temporaryFolder();
    await copyOfRunning(folder.path);
    const file = join(folder.path, 'simplemq.journal-1');
    const bytes = readFileSync(file);
    bytes[10]! ^= 1;
    writeFileSync(file, bytes);
    await expect(openSqliteStore({ folder: folder.path })).rejects.toMatchObject({
      message: expect.stringMatching(/^segment 1 of the journal is damaged at byte 0/),
    });
    expect(readFileSync(file).equals(bytes)).toBe(true);
    bytes[10]! ^= 1;
    writeFileSync(file, bytes);
    await withStore(await openSqliteStore({ folder: folder.path }), async (store) => {
      expect(await bodiesIn(store)).toEqual(numbersTo(COMMITS));
    });
  });

  test('says where it ended in a commit that is not whole, and what that would have brought', async () => {
    await using folder = await temporaryFolder();
    await copyOfRunning(folder.path);
    const { bytes, ends } = segmentIn(folder.path);
    bytes[ends.at(-1)! - 1]! ^= 1;
    writeFileSync(join(folder.path, 'simplemq.journal-1'), bytes);
    await withStore(await openSqliteStore({ folder: folder.path }), async (store) => {
      const batches = [{ stream: 'stream-1', first: COMMITS, last: COMMITS }];
      expect(await store.load()).toMatchObject({ tornEnd: { segment: 1, position: ends.at(-2), batches } });
    });
    await withStore(await openSqliteStore({ folder: folder.path }), async (store) => {
      expect((await store.load()).tornEnd).toBeUndefined();
    });
  });

  test('is not started on when what a commit was is damaged, and others came after it', async () => {
    await using folder = await temporaryFolder();
    await copyOfRunning(folder.path);
    const { bytes, ends } = segmentIn(folder.path);
    // In the meta of the third commit.
    bytes[ends[2]! + 30]! ^= 1;
    writeFileSync(join(folder.path, 'simplemq.journal-1'), bytes);
    await expect(openSqliteStore({ folder: folder.path })).rejects.toMatchObject({
      code: 'StorageFailed',
      message: expect.stringContaining(`segment 1 of the journal is damaged at byte ${ends[2]}`),
    });
  });

  test('serves the other batches when one of them is damaged', async () => {
    await using folder = await temporaryFolder();
    await copyOfRunning(folder.path);
    const { bytes, ends } = segmentIn(folder.path);
    // The last byte of the third commit is its batch's.
    bytes[ends[3]! - 1]! ^= 1;
    writeFileSync(join(folder.path, 'simplemq.journal-1'), bytes);
    await withStore(await openSqliteStore({ folder: folder.path }), async (store) => {
      const read = (from: number) => store.read({ streamId: 1, lane: 0, from, bytesMax: 1 });
      const damage: StoredDamage[] = [];
      store.onDamaged = (more) => damage.push(...more);
      await store.load();
      for (const number of [1, 2, 4, COMMITS])
        expect((await read(number)).map(bodyOf)).toEqual([String(number)]);
      expect((await read(3)).map(bodyOf)).toEqual(['4']);
      expect(damage).toMatchObject([{ streamId: 1, lane: 0, first: 3, last: 3, messages: 1, segment: 1 }]);
    });
  });
});

/** A stream and batches, each with a commit of its own, as a crash leaves them. */
async function copyOfRunning(path: string): Promise<void> {
  await using folder = await temporaryFolder();
  await withStore(await openSqliteStore({ folder: folder.path }), async (store) => {
    await store.commit({ ...NOTHING, createdStreams: [newStream(1)] });
    for (let number = 1; number <= COMMITS; number++) await commitBody(store, number);
    copyDataFolder(folder.path, path);
  });
}

function commitBody(store: Store, number: number): Promise<unknown> {
  return store.commit({ ...NOTHING, batches: inLane(1, 0, [placedBatch(number, String(number))]) });
}

/** The bytes of the first segment, and where each of its records ends. */
function segmentIn(path: string): { bytes: Buffer; ends: number[] } {
  const file = join(path, 'simplemq.journal-1');
  const segment = Segment.open(file, 1)!;
  const ends = [...recordsOf(segment, 0, true)].map(({ position, data }) => position + data.length);
  segment.close();
  return { bytes: readFileSync(file), ends };
}

/** What is written behind `at` does not get to the disk, or something else does. */
function torn(bytes: Buffer, ends: readonly number[], at: number, kind: string): Buffer {
  if (kind === 'cut') return bytes.subarray(0, at);
  const copy = Buffer.from(bytes);
  const end = ends.find((each) => each > at) ?? at;
  if (kind === 'noise') for (let i = at; i < end; i++) copy[i] = copy[i]! ^ 0x5a;
  // A record is written only once the one before it is on the disk.
  else if (kind === 'zeros') copy.fill(0, at, end);
  else copy.fill(0, at, Math.min(end, at + 16));
  copy.fill(0, end);
  return copy;
}

async function bodiesIn(store: Store): Promise<string[]> {
  return (await store.read({ streamId: 1, lane: 0, from: 1, bytesMax: 1_000_000_000 })).map(bodyOf);
}

function bodyOf(batch: Parameters<typeof bodiesOf>[0]): string {
  return bodiesOf(batch)[0]!;
}

function numbersTo(count: number): string[] {
  return Array.from({ length: count }, (_, index) => String(index + 1));
}
