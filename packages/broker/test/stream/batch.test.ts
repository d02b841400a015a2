import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bodiesOf, placedBatch } from '../batches.ts';

test('a batch is cut anywhere, in any order, into the records that lie there', () => {
  const cut = fc.record({ index: fc.nat(), count: fc.integer({ min: 1, max: 50 }), bytes: fc.nat(400) });
  const bodies = fc.array(fc.string({ maxLength: 30 }), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(bodies, fc.array(cut, { maxLength: 20 }), (texts, cuts) => {
      const batch = placedBatch(101, ...texts);
      for (const { index, count, bytes } of cuts) {
        const start = index % texts.length;
        const piece = batch.cut(101 + start, count, bytes);
        const rest = texts.slice(start, start + count);
        // As many as fit, and one at least.
        let fitting = 0;
        let total = 0;
        for (const text of rest) {
          total += 5 + Buffer.byteLength(text);
          if (total > bytes && fitting > 0) break;
          fitting++;
        }
        expect(piece.count).toBe(fitting);
        expect(bodiesOf(piece)).toEqual(rest.slice(0, fitting).map((text) => Buffer.from(text).toString()));
      }
    }),
  );
});
