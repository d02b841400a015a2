import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { giveReceipts, type Receipt } from '../../src/publisher/receipt.ts';

type Fate = 'stored' | 'duplicate' | 'delayed';

/** The records of a batch on one stream, and what a receipt has to say of each. */
const confirmed = (stream: string) =>
  fc
    .tuple(
      fc.integer({ min: 1, max: 1_000 }),
      fc.array(fc.constantFrom<Fate>('stored', 'duplicate', 'delayed'), { minLength: 8, maxLength: 8 }),
    )
    .map(([first, fates]) => {
      const duplicates = fates.flatMap((fate, i) => (fate === 'duplicate' ? [i, 2_000 + i] : []));
      const delayed = fates.flatMap((fate, i) => (fate === 'delayed' ? [i, 3_000 + i] : []));
      let next = first;
      const expected = fates.map((fate, i) => {
        if (fate === 'duplicate') return { stream, sequence: 2_000 + i, duplicate: true };
        if (fate === 'delayed') return { stream, sequence: 0, delayedId: 3_000 + i };
        return { stream, sequence: next++ };
      });
      const told = {
        stream,
        first,
        ...(duplicates.length > 0 && { duplicates }),
        ...(delayed.length > 0 && { delayed }),
      };
      return { told, expected };
    });

describe('receipts of a batch', () => {
  it('number what was stored without gaps, and mark what was there before or comes later', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 3 }), fc.gen(), (names, gen) => {
        const streams = names.map((_, i) => gen(confirmed, `s${i}`));
        const receipts: Receipt[] = [];
        giveReceipts(
          8,
          streams.map(({ told }) => told),
          'fsync',
          (receipt, i) => {
            receipts[i] = receipt;
          },
        );
        expect(receipts).toEqual(
          Array.from({ length: 8 }, (_, i) => ({
            streams: streams.map(({ expected }) => expected[i]),
            durability: 'fsync',
          })),
        );
      }),
    );
  });
});
