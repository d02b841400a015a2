import { crc32 } from 'node:zlib';
import {
  BATCH_HEADER_BYTES,
  BATCH_PLAIN,
  BATCH_RECORDS_MAX,
  BatchBuilder,
  decodeBatch,
  encodeAttributes,
  encodeBatchHead,
  ProtocolViolation,
  skipRecords,
  validateRecords,
} from '@simplemq/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesInUse } from '../memory.ts';
import { anyBatch, buildBatch, bytesOf, readBatch } from './batch-bytes.ts';

describe('a record batch', () => {
  test('decodes to the records that were put into it', () => {
    fc.assert(
      fc.property(anyBatch, fc.nat(100), (plain, initialBytes) => {
        const batch = decodeBatch(buildBatch(plain, { initialBytes }));
        validateRecords(batch);
        expect(batch.count).toBe(plain.records.length);
        expect(readBatch(batch)).toEqual(plain);
      }),
    );
  });

  test('says that it is plain when no record has attributes of its own', () => {
    fc.assert(
      fc.property(anyBatch, (plain) => {
        const own = plain.records.some(({ attributes }) => attributes !== undefined);
        expect(decodeBatch(buildBatch(plain)).flags).toBe(own ? 0 : BATCH_PLAIN);
      }),
    );
  });

  test('can be cut between any two records, and both parts decode to what they hold', () => {
    fc.assert(
      fc.property(anyBatch, (plain) => {
        const batch = decodeBatch(buildBatch(plain));
        for (let count = 1; count < batch.count; count++) {
          const middle = skipRecords(batch.records, 0, count);
          const parts = [
            { count, records: batch.records.subarray(0, middle) },
            { count: batch.count - count, records: batch.records.subarray(middle) },
          ];
          const decoded = parts.map((part) => decodeBatch(bytesOf({ ...batch, ...part })));
          for (const part of decoded) validateRecords(part);
          expect(decoded.flatMap((part) => readBatch(part).records)).toEqual(plain.records);
          expect(decoded.map((part) => readBatch(part).shared)).toEqual([plain.shared, plain.shared]);
        }
      }),
    );
  });

  test('ends where stepping over all of its records ends', () => {
    fc.assert(
      fc.property(anyBatch, (plain) => {
        const { records, count } = decodeBatch(buildBatch(plain));
        expect(skipRecords(records, 0, count)).toBe(records.length);
      }),
    );
  });

  test('is the same from the builder and from a head before its records', () => {
    fc.assert(
      fc.property(anyBatch, (plain) => {
        const bytes = buildBatch(plain);
        expect(bytesOf(decodeBatch(bytes))).toEqual(bytes);
      }),
    );
  });

  test('holds views of the bytes that it was decoded from', () => {
    const bytes = buildBatch({ shared: { key: 'k' }, records: [{ raw: true, body: Buffer.from('x') }] });
    const { records, shared } = decodeBatch(bytes);
    expect(records.buffer).toBe(bytes.buffer);
    expect(shared.buffer).toBe(bytes.buffer);
  });

  test('tells its size while it is built', () => {
    const builder = new BatchBuilder({ shared: encodeAttributes({ key: 'k' }), initialBytes: 1 });
    builder.append(Buffer.from('first'), false);
    builder.append(Buffer.from('second'), true, encodeAttributes({ messageId: 'm' }));
    expect(builder.count).toBe(2);
    expect(builder.finish()).toHaveLength(builder.bytes);
  });
});

describe('a corrupted record batch', () => {
  const plain = {
    shared: { key: 'shared' },
    records: ['a', 'bb', 'ccc'].map((body) => ({ raw: true, body: Buffer.from(body) })),
  };
  const good = buildBatch(plain);
  const changed = (change: (bytes: Buffer) => void): Buffer => {
    const bytes = Buffer.from(good);
    change(bytes);
    return bytes;
  };

  test('is refused for every single bit that flips after its header', () => {
    for (let bit = BATCH_HEADER_BYTES * 8; bit < good.length * 8; bit++) {
      const bytes = changed((copy) => {
        copy[bit >> 3]! ^= 1 << (bit & 7);
      });
      expect(() => decodeBatch(bytes)).toThrow(/checksum/);
    }
  });

  test('is refused for every single bit that flips in its header', () => {
    for (let bit = 0; bit < BATCH_HEADER_BYTES * 8; bit++) {
      const bytes = changed((copy) => {
        copy[bit >> 3]! ^= 1 << (bit & 7);
      });
      // Whether a batch is plain is the one bit that says nothing wrong about these records when it is off.
      if (bit === 12 * 8) expect(decodeBatch(bytes).flags).toBe(0);
      else expect(() => validateRecords(decodeBatch(bytes))).toThrow(ProtocolViolation);
    }
  });

  test('is refused when it is cut off anywhere, or has bytes after it', () => {
    for (let end = 0; end < good.length; end++) {
      expect(() => decodeBatch(good.subarray(0, end))).toThrow(ProtocolViolation);
    }
    expect(() => decodeBatch(Buffer.concat([good, Buffer.alloc(1)]))).toThrow(ProtocolViolation);
  });

  test.each([0, BATCH_RECORDS_MAX + 1, 0xffff_ffff])('is refused with a count of %i', (count) => {
    expect(() => decodeBatch(changed((bytes) => bytes.writeUInt32BE(count, 0)))).toThrow(/it must have 1 to/);
  });

  test('takes no memory for a length or a count that is only declared', () => {
    const before = bytesInUse();
    for (const offset of [0, 4]) {
      const bytes = changed((copy) => copy.writeUInt32BE(0xffff_ffff, offset));
      expect(() => decodeBatch(bytes)).toThrow(ProtocolViolation);
    }
    expect(bytesInUse() - before).toBeLessThan(1024 * 1024);
  });

  test('is refused when its shared attributes are not one msgpack value of their length', () => {
    const records = Buffer.from([0, 0, 0, 1, 0]);
    for (const shared of [Buffer.from([0x80, 0x80]), Buffer.from([0x81]), Buffer.from([0xd4, 0, 0])]) {
      const bytes = Buffer.concat([encodeBatchHead(1, 0, shared, records), records]);
      expect(() => decodeBatch(bytes)).toThrow(ProtocolViolation);
    }
  });
});

test('the checksum is the CRC-32 of zlib over shared attributes and records', () => {
  const bytes = buildBatch({ shared: { key: 'k' }, records: [{ raw: true, body: Buffer.from('x') }] });
  expect(bytes.readUInt32BE(8)).toBe(crc32(bytes.subarray(BATCH_HEADER_BYTES)));
});
