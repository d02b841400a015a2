import { type Attributes, BatchBuilder, decodeBatch, encodeAttributes, readRecord } from '@simplemq/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { HASH_WORDS, hashId, isNone } from '../../src/dedup/id-hash.ts';
import { type BatchPart, partsOf } from '../../src/publish/batch-parts.ts';
import { priorityOf } from '../../src/stream/lane.ts';

const attributes: fc.Arbitrary<Attributes> = fc.record(
  {
    priority: fc.integer({ min: 0, max: 3 }),
    delayMs: fc.constantFrom(0, 5, 50),
    messageId: fc.constantFrom('a', 'b', 'c'),
    key: fc.constantFrom('k', 'l'),
  },
  { requiredKeys: [] },
);

test('the parts of a batch are all its records in order, each part of one lane and one delay', () => {
  const shared = fc.option(attributes, { nil: undefined });
  const own = fc.array(fc.option(attributes, { nil: undefined }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(shared, own, (common, records) => {
      const builder = new BatchBuilder(common && { shared: encodeAttributes(common) });
      records.forEach((each, index) => {
        builder.append(Buffer.from(String(index)), true, each && encodeAttributes(each));
      });
      let index = 0;
      for (const part of partsOf(decodeBatch(builder.finish()))) {
        expect(part.index).toBe(index);
        let offset = 0;
        for (let i = 0; i < part.batch.count; i++, index++) {
          const record = readRecord(part.batch.records, offset);
          offset = record.end;
          expect(record.body.toString()).toBe(String(index));
          const all = { ...common, ...records[index] };
          expect(priorityOf(part.lane)).toBe(all.priority ?? 1);
          expect(part.delay).toEqual(all.delayMs ? { afterMs: all.delayMs } : undefined);
          expect(hashAt(part, i)).toEqual(all.messageId && hashOf(all.messageId));
        }
        expect(offset).toBe(part.batch.records.length);
      }
      expect(index).toBe(records.length);
    }),
    { numRuns: 500 },
  );
});

function hashOf(id: string): Uint32Array {
  const bytes = Buffer.from(id);
  const hash = new Uint32Array(HASH_WORDS);
  hashId({ bytes, start: 0, end: bytes.length }, hash);
  return hash;
}

function hashAt({ messageIds }: BatchPart, index: number): Uint32Array | undefined {
  const at = index * HASH_WORDS;
  if (messageIds === undefined || isNone(messageIds, at)) return undefined;
  return messageIds.subarray(at, at + HASH_WORDS);
}
