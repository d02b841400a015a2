import {
  decodeAttributes,
  encodeAttributes,
  encodeEnvelope,
  type ScannedAttributes,
  scanAttributes,
  scanLeadingAttributes,
  scanValue,
} from '@simplemq/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mutated } from '../commands/hostile-bytes.ts';
import { looseAttributes } from './attribute-bytes.ts';
import { anyAttributes } from './batch-bytes.ts';

describe('a scan agrees with decodeAttributes, on the values or on the refusal,', () => {
  test('on attributes as they are encoded', () => {
    fc.assert(fc.property(anyAttributes, (attributes) => agrees(encodeAttributes(attributes))));
  });

  test('on attributes in every encoding of their parts', () => {
    fc.assert(fc.property(looseAttributes, agrees), { numRuns: 2_000 });
  });

  test('on damaged attributes', () => {
    const damaged = fc
      .oneof(anyAttributes.map(encodeAttributes), looseAttributes)
      .chain((bytes) => mutated(bytes));
    fc.assert(fc.property(damaged, agrees), { numRuns: 1_000 });
  });

  test('on attributes that are cut off, at whichever byte', () => {
    const encoded = fc.oneof(anyAttributes.map(encodeAttributes), looseAttributes);
    fc.assert(
      fc.property(encoded, (bytes) => {
        for (let end = 0; end < bytes.length; end++) agrees(bytes.subarray(0, end));
      }),
    );
  });

  test('on random bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => agrees(Buffer.from(bytes))));
  });

  test.each([
    ['an attribute that comes twice', '82a36b6579a161a36b6579a162'],
    ['one that comes again as nil', '82a36b6579a161a36b6579c0'],
    ['a name in a longer form', '81d9036b6579a161'],
    ['a name that is a number', '8107a161'],
    ['a string that is not UTF-8', '81a36b6579a2c328'],
    ['a string with a replacement character', '81a36b6579a3efbfbd'],
    ['bytes behind them', '81a36b6579a16100'],
    ['no map', 'a36b6579'],
    ['nothing', ''],
  ])('on %s', (_what, hex) => {
    agrees(Buffer.from(hex, 'hex'));
  });

  test('on more headers than an envelope may hold values', () => {
    const names = Array.from({ length: 60_000 }, (_, i) => [`${i}`, '']);
    agrees(encodeEnvelope({ headers: Object.fromEntries(names), key: 'k' }));
    const many = Buffer.alloc(110_000 * 2 + 14, 0xa0);
    Buffer.from('81a768656164657273df0001adb0', 'hex').copy(many);
    agrees(many);
  });
});

test('a scan of leading attributes ends where msgpack ends them', () => {
  const tail = fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes));
  fc.assert(
    fc.property(looseAttributes, tail, (attributes, body) => {
      const record = Buffer.concat([Buffer.alloc(5), attributes, body]);
      const leading = () => {
        const scanned = scanLeadingAttributes(record, 5, record.length);
        return { ...told(scanned), end: scanned.end };
      };
      const expected = () => {
        const end = scanValue(record, 5);
        return { ...decoded(record.subarray(5, end)), end };
      };
      expect(outcome(leading)).toEqual(outcome(expected));
    }),
    { numRuns: 1_000 },
  );
});

/** Also where the bytes lie amid others, as those of a record do. */
function agrees(bytes: Buffer): void {
  const expected = outcome(() => decoded(bytes));
  expect(outcome(() => told(scanAttributes(bytes)))).toEqual(expected);
  const amid = Buffer.concat([Buffer.of(0x81), bytes, Buffer.from('a161a162', 'hex')]);
  expect(outcome(() => told(scanAttributes(amid, 1, 1 + bytes.length)))).toEqual(expected);
}

function decoded(bytes: Buffer): object {
  const { headers, dead, ...rest } = decodeAttributes(bytes);
  return { ...rest, isDead: dead !== undefined };
}

/** Of a scan, as decodeAttributes would give it. */
function told({ key, messageId, group, end, ...rest }: ScannedAttributes): object {
  return { ...rest, key: key?.toString(), messageId: messageId?.toString(), group: group?.toString() };
}

function outcome(action: () => object): unknown {
  try {
    return action();
  } catch (error) {
    const { code } = error as { code?: string };
    return { refused: code ?? error };
  }
}
