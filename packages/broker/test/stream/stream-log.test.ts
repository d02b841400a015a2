import { describe, expect, test } from 'vitest';
import { CacheBudget } from '../../src/stream/cache-budget.ts';
import { BATCH_OVERHEAD_BYTES, StreamLog } from '../../src/stream/stream-log.ts';
import { placedBatch } from '../batches.ts';
import { ModelStore } from '../store/model-store.ts';

const KIB = 1024;

function logOn(budget: CacheBudget): StreamLog {
  return new StreamLog({ streamId: 1, lane: 0, store: new ModelStore(), budget, readFrom: () => 1 });
}

describe('the memory for recent batches', () => {
  test('is not gone past by many small ones, of which the objects take more than the bytes', () => {
    const budget = new CacheBudget(64 * KIB);
    const log = logOn(budget);
    for (let first = 1; first <= 1_000; first++) log.append(placedBatch(first, 'x'));
    let batches = 0;
    for (let first = 1; first <= 1_000; first++) if (log.find(first) !== undefined) batches++;
    const { bytes } = placedBatch(1, 'x');
    expect(batches).toBe(Math.floor((64 * KIB) / (bytes + BATCH_OVERHEAD_BYTES)));
    expect(budget.bytes).toBe(batches * (bytes + BATCH_OVERHEAD_BYTES));
    expect(log.removeThrough(1_000)).toBe(batches * bytes);
    expect(budget.bytes).toBe(0);
  });

  test('is free again for other streams, whether batches were removed or made way', () => {
    const budget = new CacheBudget(4 * KIB);
    const [one, other] = [logOn(budget), logOn(budget)];
    for (let first = 1; first <= 4; first++) one.append(placedBatch(first, 'x'));
    one.remove(2, 3);
    for (let first = 1; first <= 10; first++) other.append(placedBatch(first, 'x'));
    expect(one.cachedBytes).toBe(0);
    other.remove(1, 10);
    expect(budget.bytes).toBe(0);
  });
});
