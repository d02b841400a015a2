import { temporaryFolder } from '@simplemq/testkit';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import type { Store, StoredFailure, StoreSnapshot } from '../../src/store/store.ts';
import type { Batch } from '../../src/stream/batch.ts';
import { ModelStore } from './model-store.ts';
import { LANES, randomSteps, TransactionMaker } from './random-transactions.ts';

const RUNS = 20;

describe('the SQLite store', () => {
  test('does what a store in memory does, whatever is committed, and after any restart', async () => {
    await fc.assert(
      fc.asyncProperty(randomSteps, async (steps) => {
        await using folder = await temporaryFolder();
        const model = new ModelStore();
        const maker = new TransactionMaker(model);
        let store = await openSqliteStore({ folder: folder.path });
        try {
          for (const step of [...steps, 'restart' as const]) {
            if (step === 'restart') {
              await store.close();
              store = await openSqliteStore({ folder: folder.path });
              expectSameSnapshot(await store.load(), model.snapshot());
              maker.restart();
            } else {
              const transaction = maker.make(step);
              const { removed } = await store.commit(transaction);
              expect(freed(removed)).toEqual(freed(model.apply(transaction).removed));
            }
            await expectSameAnswers(store, model, maker);
          }
        } finally {
          await store.close();
        }
      }),
      { numRuns: RUNS },
    );
  });
});

async function expectSameAnswers(store: Store, model: ModelStore, maker: TransactionMaker): Promise<void> {
  for (const streamId of model.streams.keys()) {
    for (let lane = 0; lane < LANES; lane++) {
      for (const request of [
        { streamId, lane, from: 1, bytesMax: 1_000_000 },
        { streamId, lane, from: 300, bytesMax: 5_000 },
        { streamId, lane, from: 1, bytesMax: 1 },
        { streamId, lane, from: 100, bytesMax: 1_000_000, batchesMax: 3 },
      ]) {
        expect((await store.read(request)).map(plain)).toEqual((await model.read(request)).map(plain));
      }
      const times = model.rows.filter((row) => row.streamId === streamId).map(({ batch }) => batch.time);
      for (const time of new Set([0, ...times, ...times.map((each) => each + 1)])) {
        expect(await store.seek({ streamId, lane, time })).toBe(await model.seek({ streamId, lane, time }));
      }
    }
    for (const bytes of [0, 1, 3_000, 1_000_000]) {
      expect(await store.front({ streamId, bytes })).toBe(await model.front({ streamId, bytes }));
    }
    const list = { streamId, after: 3, limit: 5 };
    const listed = await store.listDelayed(list);
    expect(listed.map(plainDelayed)).toEqual((await model.listDelayed(list)).map(plainDelayed));
  }
  for (const request of [
    { wallMs: 100_000, steadyMs: 100_000, limit: 1_000, bytesMax: 1_000_000 },
    { wallMs: 40_000, steadyMs: 60_000, limit: 3, bytesMax: 1_000_000 },
    { wallMs: 60_000, steadyMs: 40_000, limit: 100, bytesMax: 4_000 },
  ]) {
    const [page, expected] = [await store.readDelayed(request), await model.readDelayed(request)];
    expect(page.due.map(plainDelayed)).toEqual(expected.due.map(plainDelayed));
    expectSoonEnough(page, expected);
  }
  for (const groupId of model.groups.keys()) {
    const dropped = maker.dropped.get(groupId) ?? 0;
    for (const [first, last] of [
      [1, 10_000],
      [700, 710],
      [1_023, 1_025],
    ]) {
      // What was dropped may still be told of when it failed along with what was not.
      const request = { groupId, first: Math.max(first!, dropped + 1), last: last! };
      const failed = expand(await store.readFailures(request), request);
      expect(failed).toEqual(expand(await model.readFailures(request), request));
    }
  }
}

function expectSameSnapshot(stored: StoreSnapshot, expected: StoreSnapshot): void {
  const { dedup, nextWallMs, nextSteadyMs, windows, ...rest } = stored;
  const { dedup: ids, nextWallMs: _, nextSteadyMs: __, windows: states, failingGroups, ...others } = expected;
  const failing = rest.failingGroups.filter((id) => failingGroups.includes(id));
  expect({ ...sorted(rest), failingGroups: failing }).toEqual({ ...sorted(others), failingGroups: failing });
  expect(failing).toEqual([...failingGroups].sort((a, b) => a - b));
  expect(byStream(dedup)).toEqual(byStream(ids));
  expect(windows.map(plainWindow).sort()).toEqual(states.map(plainWindow).sort());
  expectSoonEnough(stored, expected);
}

type NextTimes = { readonly nextWallMs?: number; readonly nextSteadyMs?: number };

/** A look too soon, for what is being deleted, is harmless; one too late is not. */
function expectSoonEnough(actual: NextTimes, expected: NextTimes): void {
  for (const name of ['nextWallMs', 'nextSteadyMs'] as const) {
    if (expected[name] !== undefined) expect(actual[name]).toBeLessThanOrEqual(expected[name]);
  }
}

function sorted(snapshot: Partial<StoreSnapshot>): Partial<StoreSnapshot> {
  const { streams = [], groups = [], producers = [], schedules = [], delayed = [], ...rest } = snapshot;
  const by = <T>(items: readonly T[], key: (item: T) => string | number) =>
    [...items].sort((a, b) => (key(a) < key(b) ? -1 : 1));
  return {
    ...rest,
    streams: by(streams, ({ id }) => id),
    groups: by(groups, ({ id }) => id),
    producers: by(producers, ({ id }) => id),
    schedules: by(schedules, ({ name }) => name).map((each) => ({
      ...each,
      data: Uint8Array.from(each.data),
    })),
    delayed: by(delayed, ({ streamId }) => streamId),
  };
}

/** The ids of each stream, one after the other, and when each commit's came. */
function byStream(dedup: StoreSnapshot['dedup']): Record<string, string> {
  const all: Record<string, string> = {};
  for (const { streamId, time, ids } of dedup) {
    const key = `${streamId} at ${time}`;
    all[key] = (all[key] ?? '') + Buffer.from(ids).toString('hex');
  }
  return all;
}

/** By message: how a long range is cut into pieces does not matter. */
function expand(
  failures: readonly StoredFailure[],
  range: { first: number; last: number },
): Record<number, string> {
  const all: Record<number, string> = {};
  for (const { first, last, attempt, at, cause, error } of failures) {
    for (let sequence = Math.max(first, range.first); sequence <= Math.min(last, range.last); sequence++) {
      all[sequence] = `${all[sequence] ?? ''}${attempt} ${at} ${cause} ${error};`;
    }
  }
  return all;
}

function freed(removed: readonly { streamId: number; bytes: number }[]): Record<number, number> {
  const totals: Record<number, number> = {};
  for (const { streamId, bytes } of removed) totals[streamId] = (totals[streamId] ?? 0) + bytes;
  return totals;
}

function plainWindow({ state, ...window }: StoreSnapshot['windows'][number]): string {
  return JSON.stringify([
    window.groupId,
    window.lane,
    window.window,
    window.format,
    Buffer.from(state).toString('hex'),
  ]);
}

function plainDelayed({ batch, ...row }: { batch: Batch }): object {
  return { ...row, ...plain(batch) };
}

function plain({ first, count, ordinal, time, flags, records }: Batch): object {
  return { first, count, ordinal, time, flags, records: records.toString('latin1') };
}
