import {
  decodeAttributes,
  encodeAttributes,
  encodeEnvelope,
  ProtocolViolation,
  Unsupported,
} from '@simplemq/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { anyAttributes } from './batch-bytes.ts';

test('attributes decode to what was encoded', () => {
  fc.assert(
    fc.property(anyAttributes, (attributes) => {
      expect(decodeAttributes(encodeAttributes(attributes))).toEqual(attributes);
    }),
  );
});

test('an attribute that this version does not know is Unsupported', () => {
  expect(() => decodeAttributes(encodeEnvelope({ colour: 'red' }))).toThrow(Unsupported);
});

test.each([
  { key: 1 },
  { headers: { a: 1 } },
  { headers: ['a'] },
  { priority: -1 },
  { ttlMs: '5' },
  { messageId: {} },
])('an attribute of a wrong type is a ProtocolViolation: %j', (attributes) => {
  expect(() => decodeAttributes(encodeEnvelope(attributes))).toThrow(ProtocolViolation);
});
