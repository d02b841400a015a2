import { ENVELOPE_DEPTH_MAX, ENVELOPE_VALUES_MAX, ProtocolViolation, scanValue } from '@simplemq/protocol';
import fc from 'fast-check';
import { Packr } from 'msgpackr';
import { describe, expect, test } from 'vitest';

const packr = new Packr({ useRecords: false, encodeUndefinedAsNil: true });

const scalar = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.maxSafeInteger(),
  fc.double(),
  fc.boolean(),
  fc.constant(null),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
);

/** Anything that msgpackr packs without extension types, as deep as an envelope may be. */
const value = fc.letrec<{ any: unknown }>((tie) => ({
  any: fc.oneof(
    { depthSize: 'medium', maxDepth: ENVELOPE_DEPTH_MAX, withCrossShrink: true },
    scalar,
    fc.array(tie('any'), { maxLength: 9 }),
    fc.dictionary(fc.string({ unit: 'binary' }), tie('any'), { maxKeys: 9 }),
  ),
})).any;

describe('the scan', () => {
  test('ends where msgpackr ended, whatever comes before and after', () => {
    fc.assert(
      fc.property(value, fc.uint8Array(), fc.uint8Array(), (any, before, after) => {
        const packed = packr.pack(any);
        const bytes = Buffer.concat([before, packed, after]);
        expect(scanValue(bytes, before.length)).toBe(before.length + packed.length);
      }),
    );
  });

  test('refuses every value that is cut off before its end', () => {
    fc.assert(
      fc.property(value, (any) => {
        const packed = packr.pack(any);
        fc.pre(packed.length < 1_000);
        for (let end = 0; end < packed.length; end++) {
          if (accepts(packed, end)) expect.fail(`${end} of ${packed.length} bytes are accepted`);
          if (accepts(packed.subarray(0, end), end)) expect.fail(`the first ${end} bytes are accepted`);
        }
      }),
    );
  });

  test('steps over the 16 and 32 bit lengths too', () => {
    for (const length of [31, 32, 255, 256, 65_535, 65_536, 100_000]) {
      for (const any of ['x'.repeat(length), Buffer.alloc(length), Array(length).fill(0)]) {
        const packed = packr.pack(any);
        expect(scanValue(packed, 0)).toBe(packed.length);
      }
    }
  });

  test.each([0xc1, 0xc7, 0xc8, 0xc9, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8])('refuses the type 0x%s', (type) => {
    const bytes = Buffer.concat([Buffer.from([0x91, type]), Buffer.alloc(20)]);
    expect(() => scanValue(bytes, 0)).toThrow(/which is not allowed/);
  });

  test('refuses what msgpackr writes as an extension: dates, and undefined', () => {
    const plain = new Packr({ useRecords: false });
    for (const any of [new Date(), new Date(1.5e12 + 1), undefined]) {
      expect(() => scanValue(plain.pack({ any }), 0)).toThrow(/which is not allowed/);
    }
  });

  test(`accepts ${ENVELOPE_DEPTH_MAX} levels and refuses one more`, () => {
    const nested = (levels: number) => Buffer.concat([Buffer.alloc(levels, 0x91), Buffer.from([0xc0])]);
    expect(scanValue(nested(ENVELOPE_DEPTH_MAX), 0)).toBe(ENVELOPE_DEPTH_MAX + 1);
    expect(() => scanValue(nested(ENVELOPE_DEPTH_MAX + 1), 0)).toThrow(/nests deeper/);
    expect(() => scanValue(Buffer.alloc(1_000_000, 0x91), 0)).toThrow(/nests deeper/);
  });

  test(`accepts ${ENVELOPE_VALUES_MAX} values and refuses one more`, () => {
    const list = (values: number) => packr.pack(Array(values - 1).fill(7));
    expect(scanValue(list(ENVELOPE_VALUES_MAX), 0)).toBeGreaterThan(ENVELOPE_VALUES_MAX);
    expect(() => scanValue(list(ENVELOPE_VALUES_MAX + 1), 0)).toThrow(/more than 200000 values/);
  });

  test.each(['ddffffffff', 'dfffffffff', 'dbffffffff', 'c6ffffffff', 'dcffff', 'deffff', 'd9ff', 'c5ffff'])(
    'refuses a length that the bytes do not have, at once: %s',
    (hex) => {
      expect(() => scanValue(Buffer.from(`${hex}c0c0`, 'hex'), 0)).toThrow(ProtocolViolation);
    },
  );
});

function accepts(bytes: Buffer, end: number): boolean {
  try {
    scanValue(bytes, 0, end);
    return true;
  } catch (error) {
    if (error instanceof ProtocolViolation) return false;
    throw error;
  }
}
