import { describe, expect, test } from 'vitest';
import { SteadyClock } from '../../src/clock.ts';
import { PRODUCERS_MAX, Producers } from '../../src/commit/producers.ts';
import type { ProducerStamp, PublishReceipt } from '../../src/engine/engine.ts';
import type { StoredProducer } from '../../src/store/store.ts';

const id = '00112233445566778899aabbccddeeff';
const KIB = 1024;
const MIB = 1024 * KIB;

const receiptAt = (first: number): PublishReceipt => ({
  streams: [{ stream: 's', first }],
  durability: 'fsync',
});

/** A receipt that takes this much by its marks, about; the same array for all of them. */
function largeReceipt(bytes: number): PublishReceipt {
  const duplicates: number[] = new Array(bytes / 8).fill(0);
  return { streams: [{ stream: 's', first: 0, duplicates }], durability: 'fsync' };
}

const openProducers = (stored: readonly StoredProducer[] = []): Producers =>
  new Producers(60_000, stored, new SteadyClock({ clockOffsetMs: 0, clockSteadyMs: 0 }));

/** What a store has of the producers that were sealed so far. */
class Rows {
  readonly byId = new Map<string, StoredProducer>();

  take(producers: Producers): StoredProducer[] {
    const { changed, forgotten } = producers.seal();
    for (const row of changed) this.byId.set(row.id, row);
    for (const rowId of forgotten) this.byId.delete(rowId);
    return [...changed];
  }

  get all(): StoredProducer[] {
    return [...this.byId.values()];
  }

  get receipts(): number {
    return this.all.reduce((sum, { receipts }) => sum + JSON.parse(receipts).length, 0);
  }
}

function take(producers: Producers, stamp: ProducerStamp, receipt = receiptAt(stamp.number)): void {
  producers.checkRoom(stamp);
  producers.remember(stamp, receipt, Promise.resolve(receipt));
}

describe('the receipts of a producer', () => {
  test('are kept for all that it was told it may have unanswered, also over a restart, and for no more than twice that', async () => {
    const producers = openProducers();
    const rows = new Rows();
    const unconfirmedMax = 10_000;
    for (let number = 1; number <= 25_000; number++) {
      take(producers, { id, number, settled: 0, unconfirmedMax });
      if (number % 100 === 0) rows.take(producers);
    }
    for (const known of [producers, openProducers(rows.all)]) {
      expect(known.receiptOf({ id, number: 4_900, settled: 0 })).toBeUndefined();
      for (const number of [5_001, 15_000, 25_000]) {
        expect(await known.receiptOf({ id, number, settled: 0 })).toEqual(receiptAt(number));
      }
    }
    expect(rows.receipts).toBeLessThan(20_100);
  });

  test('are stored a few at a time, however many there are', () => {
    const producers = openProducers();
    const rows = new Rows();
    for (let number = 1; number <= 1_000; number++) {
      take(producers, { id, number, settled: 0 }, largeReceipt(8 * KIB));
      const stored = rows.take(producers).reduce((sum, { receipts }) => sum + receipts.length, 0);
      expect(stored).toBeLessThan(64 * KIB);
    }
    expect(rows.receipts).toBe(1_000);
  });

  test('leave the store once the producer knows the outcome', () => {
    const producers = openProducers();
    const rows = new Rows();
    for (let number = 1; number <= 2_000; number++) take(producers, { id, number, settled: 0 });
    rows.take(producers);
    expect(rows.byId.size).toBeGreaterThan(1);
    take(producers, { id, number: 2_001, settled: 2_000 });
    rows.take(producers);
    take(producers, { id, number: 2_002, settled: 2_001 });
    rows.take(producers);
    expect(rows.byId.size).toBe(1);
    expect(rows.receipts).toBeLessThan(50);
    const again = openProducers(rows.all);
    take(again, { id, number: 2_003, settled: 2_002 });
    rows.take(again);
    expect(rows.receipts).toBe(1);
  });

  test('take so much memory and no more: then its publishes are refused, until it says that it knows the outcome', () => {
    const producers = openProducers();
    const receipt = largeReceipt(MIB);
    for (let number = 1; number <= 64; number++) take(producers, { id, number, settled: 0 }, receipt);
    expect(() => take(producers, { id, number: 65, settled: 0 }, receipt)).toThrow(
      expect.objectContaining({ code: 'TooManyReceipts' }),
    );
    expect(producers.receiptOf({ id, number: 1, settled: 0 })).toBeDefined();
    take(producers, { id, number: 65, settled: 1 }, receipt);
  });
});

describe('of too many producers', () => {
  test('the one that was not heard of for longest is forgotten as soon as one more comes', () => {
    const producers = openProducers();
    const idOf = (i: number): string => i.toString(16).padStart(32, '0');
    for (let i = 0; i < PRODUCERS_MAX; i++) take(producers, { id: idOf(i), number: 1, settled: 0 });
    take(producers, { id: idOf(0), number: 2, settled: 1 });
    take(producers, { id: idOf(PRODUCERS_MAX), number: 1, settled: 0 });
    expect(producers.receiptOf({ id: idOf(0), number: 2, settled: 0 })).toBeDefined();
    expect(producers.receiptOf({ id: idOf(1), number: 1, settled: 0 })).toBeUndefined();
    expect(producers.seal().forgotten).toEqual([idOf(1)]);
  });

  test('or of receipts that are too large, those that were not heard of for longest are forgotten', () => {
    const producers = openProducers();
    const receipt = largeReceipt(60 * MIB);
    for (let i = 1; i <= 6; i++) take(producers, { id: `${i}`, number: 1, settled: 0 }, receipt);
    const known = [1, 2, 3, 4, 5, 6].filter((i) =>
      producers.receiptOf({ id: `${i}`, number: 1, settled: 0 }),
    );
    expect(known).toEqual([3, 4, 5, 6]);
  });

  test('one that was forgotten and comes anew in the same commit has its new receipt stored', () => {
    const rows = new Rows();
    const first = openProducers();
    take(first, { id, number: 1, settled: 0 });
    rows.take(first);
    // Not heard of for the window by now.
    const producers = openProducers(rows.all.map((row) => ({ ...row, usedAt: 0 })));
    expect(producers.expire()).toBe(true);
    take(producers, { id, number: 2, settled: 0 });
    rows.take(producers);
    expect(rows.all.map(({ receipts }) => JSON.parse(receipts))).toEqual([[[2, receiptAt(2)]]]);
  });
});
