import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DedupIds } from '../../src/dedup/dedup-ids.ts';
import { HASH_WORDS, hashId } from '../../src/dedup/id-hash.ts';

const WINDOW_MS = 8_000;

describe('message ids', () => {
  test('are known within their window, with the number of the first, unless their commit was refused', () => {
    const step = fc.oneof(
      { weight: 8, arbitrary: fc.record({ id: fc.integer({ min: 0, max: 9 }).map(String) }) },
      { weight: 2, arbitrary: fc.record({ seal: fc.constantFrom('stored', 'refused') }) },
      { weight: 2, arbitrary: fc.record({ wait: fc.integer({ min: 0, max: 3_000 }) }) },
      { weight: 1, arbitrary: fc.constant({ restart: true }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 150 }), (steps) => {
        let ids = new DedupIds(WINDOW_MS, 1_000);
        const known = new Map<string, { number: number; at: number }>();
        let unsealed = new Set<string>();
        const stored: { packed: Uint8Array; at: number; ids: Set<string> }[] = [];
        let now = 1_000_000;
        let number = 1;
        for (const each of steps) {
          if ('id' in each) {
            const first = known.get(each.id);
            const answer = ids.claim(hashed(each.id), 0, number, now);
            // Past its window an id may be remembered for a quarter of it longer.
            if (first === undefined || (answer === undefined && now - first.at >= WINDOW_MS)) {
              expect(answer).toBeUndefined();
              known.set(each.id, { number, at: now });
              unsealed.add(each.id);
            } else expect(answer).toBe(first.number);
            number++;
          } else if ('wait' in each) {
            now += each.wait;
            ids.expire(now);
          } else {
            const { packed, forget } = ids.seal();
            if ('seal' in each && each.seal === 'refused') {
              forget();
              for (const id of unsealed) known.delete(id);
            } else for (const part of packed) stored.push({ packed: part, at: now, ids: unsealed });
            unsealed = new Set();
            if ('restart' in each) {
              ids = new DedupIds(WINDOW_MS, 1_000);
              for (const { packed: part, at } of stored) ids.restore(part, at);
              ids.expire(now);
            }
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  test.each([
    ['', '00000001 00000000 00000000 00000000'],
    ['The quick brown fox jumps over the lazy dog', '2f1583c3 ecee2c67 5d7bf66c e5e91d2c'],
  ])('are hashed as MurmurHash3_x86_128 hashes them, and never to zeros: %j', (id, hex) => {
    const words = [...hashed(id)].map((word) => word.toString(16).padStart(8, '0'));
    expect(words.join(' ')).toBe(hex);
  });

  test('that differ have hashes that differ, in every word alike', () => {
    const seen = new Set<string>();
    const buckets = new Uint32Array(64);
    for (let n = 0; n < 100_000; n++) {
      const hash = hashed(`order ${n}`);
      seen.add(hash.join());
      for (const word of hash) buckets[word & 63]!++;
    }
    expect(seen.size).toBe(100_000);
    for (const count of buckets) expect(Math.abs(count - 6_250)).toBeLessThan(625);
  });

  test('are told apart by any one character, whatever their length', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 40 }), fc.nat(), (id, at) => {
        const index = at % id.length;
        const other =
          id.slice(0, index) + String.fromCharCode(id.charCodeAt(index) ^ 1) + id.slice(index + 1);
        if (Buffer.from(other).equals(Buffer.from(id))) return;
        expect(hashed(other)).not.toEqual(hashed(id));
        expect(hashed(`${id}\0`)).not.toEqual(hashed(id));
      }),
    );
  });
});

/** Of an id that lies amid other bytes, as those of a record do. */
function hashed(id: string): Uint32Array {
  const bytes = Buffer.from(`before${id}after`);
  const hash = new Uint32Array(HASH_WORDS);
  hashId({ bytes, start: 6, end: bytes.length - 5 }, hash);
  return hash;
}
