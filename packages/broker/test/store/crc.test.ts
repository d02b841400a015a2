import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { crcOfBoth } from '../../src/store/journal/crc.ts';

test('the CRC of two parts is that of both, whatever they are', () => {
  const part = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.tuple(fc.nat(255), fc.nat(2_000_000)).map(([byte, length]) => Buffer.alloc(length, byte)),
  );
  fc.assert(
    fc.property(part, part, (first, second) => {
      const both = crc32(second, crc32(first));
      expect(crcOfBoth(crc32(first), crc32(second), second.length)).toBe(both);
    }),
  );
});
