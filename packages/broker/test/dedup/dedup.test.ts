import { expect, test } from 'vitest';
import { Dedup } from '../../src/dedup/dedup.ts';
import { HASH_WORDS } from '../../src/dedup/id-hash.ts';
import type { StoredDedup } from '../../src/store/store.ts';
import type { Stream } from '../../src/stream/stream.ts';

const IDS_MAX = 20_000;
const HOUR_MS = 3_600_000;

/** What a store keeps of a stream's ids. */
class Disk {
  rows: StoredDedup[] = [];

  seal(dedup: Dedup, stream: Stream, now: number): void {
    for (const ids of dedup.of(stream, now).seal().packed)
      this.rows.push({ streamId: stream.id, time: now, ids });
  }

  drop(dropped: readonly { stream: Stream; before: number }[]): void {
    for (const { stream, before } of dropped) {
      this.rows = this.rows.filter(({ streamId, time }) => streamId !== stream.id || time >= before);
    }
  }

  get size(): number {
    return this.rows.reduce((sum, { ids }) => sum + ids.length / 24, 0);
  }
}

function streamOf(id: number, dedupWindowMs: number): Stream {
  return { id, settings: { dedupWindowMs } } as Stream;
}

function claim(dedup: Dedup, stream: Stream, id: number, now: number): number | undefined {
  const hashes = new Uint32Array(HASH_WORDS);
  hashes.set([Math.imul(id, 0x9e3779b1), Math.imul(id, 0x85ebca6b), id, stream.id]);
  return dedup.claim(dedup.of(stream, now), hashes, 0, id, now);
}

test('message ids past maxDedupIds leave the disk too, and a start knows those that were known before it', () => {
  const stream = streamOf(1, HOUR_MS);
  const disk = new Disk();
  const before = new Dedup(IDS_MAX);
  let now = 1_000;
  for (let id = 1; id <= 10 * IDS_MAX; id++) {
    claim(before, stream, id, now);
    if (id % 1_000 !== 0) continue;
    now += 10;
    disk.seal(before, stream, now);
    if (id % 10_000 === 0) disk.drop(before.expire(now));
  }
  expect(disk.size).toBeLessThan(2 * IDS_MAX);
  const started = new Dedup(IDS_MAX);
  started.restore(disk.rows, () => stream, now);
  for (let id = 10 * IDS_MAX; id > 9.5 * IDS_MAX; id--) expect(claim(started, stream, id, now)).toBe(id);
});

test('a start loads no more than maxDedupIds of many more that are stored, and those go from the disk', () => {
  const stream = streamOf(1, HOUR_MS);
  const disk = new Disk();
  const large = new Dedup(100 * IDS_MAX);
  for (let id = 1; id <= 5 * IDS_MAX; id++) {
    claim(large, stream, id, id);
    if (id % 1_000 === 0) disk.seal(large, stream, id);
  }
  const dedup = new Dedup(IDS_MAX);
  dedup.restore(disk.rows, () => stream, 5 * IDS_MAX);
  expect(dedup.of(stream, 5 * IDS_MAX).size).toBeLessThanOrEqual(IDS_MAX);
  disk.drop(dedup.expire(5 * IDS_MAX));
  expect(disk.size).toBeLessThanOrEqual(IDS_MAX + 1_000);
});

test('ids whose messages wait for their commit are known to later ones, also past maxDedupIds', () => {
  const stream = streamOf(1, HOUR_MS);
  const other = streamOf(2, HOUR_MS);
  const dedup = new Dedup(IDS_MAX);
  claim(dedup, stream, 1, 1);
  for (let id = 1; id < 1.5 * IDS_MAX; id++) {
    claim(dedup, other, id, 2);
    dedup.of(other, 2).seal();
  }
  expect(claim(dedup, stream, 1, 3)).toBe(1);
});

test('an id is new when its window is over, though nobody has looked since', () => {
  const stream = streamOf(1, 1_000);
  const disk = new Disk();
  const dedup = new Dedup(IDS_MAX);
  claim(dedup, stream, 1, 0);
  disk.seal(dedup, stream, 0);
  expect(claim(dedup, stream, 1, 999)).toBe(1);
  expect(claim(dedup, stream, 1, 1_250)).toBeUndefined();
  disk.drop(dedup.expire(1_250));
  expect(disk.size).toBe(0);
});

test('many streams with an id now and then take little memory', () => {
  const dedup = new Dedup(IDS_MAX);
  const before = process.memoryUsage().arrayBuffers;
  for (let id = 1; id <= 2_000; id++) {
    const stream = streamOf(id, 2_000);
    for (let part = 0; part < 4; part++) claim(dedup, stream, part, part * 500);
  }
  expect((process.memoryUsage().arrayBuffers - before) / 8_000).toBeLessThan(1_000);
});
