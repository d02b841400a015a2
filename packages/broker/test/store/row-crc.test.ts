import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type RowValue, rowCrc } from '../../src/store/sqlite/row-crc.ts';

const value: fc.Arbitrary<RowValue> = fc.oneof(
  fc.integer(),
  fc.double({ noNaN: true }),
  fc.string(),
  fc.uint8Array(),
  fc.constant(null),
);

describe('the checksum of a row', () => {
  test('is that of its columns side by side, however many there are', () => {
    fc.assert(
      fc.property(fc.array(value, { maxLength: 40 }), (row) => {
        const bytes = row.map((column) => {
          if (typeof column === 'string') return Buffer.from(column);
          if (typeof column === 'object' && column !== null) return Buffer.from(column);
          return Buffer.from(new Float64Array([column ?? Number.NaN]).buffer);
        });
        expect(rowCrc(row)).toBe(crc32(Buffer.concat(bytes)));
      }),
    );
  });

  test('goes on where bytes are added to the last column', () => {
    fc.assert(
      fc.property(fc.array(value), fc.uint8Array(), fc.uint8Array(), (row, first, more) => {
        const whole = Buffer.concat([first, more]);
        expect(crc32(more, rowCrc([...row, first]))).toBe(rowCrc([...row, whole]));
      }),
    );
  });
});
