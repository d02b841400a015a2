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
  { delayMs: 1.5 },
  { group: 7 },
  { dead: 'yes' },
  { dead: { stream: 'orders' } },
  { priority: 4 },
  { ttlMs: 0 },
  { deliverAt: 1, delayMs: 1 },
])('an attribute of a wrong type or value is a ProtocolViolation: %j', (attributes) => {
  expect(() => decodeAttributes(encodeEnvelope(attributes))).toThrow(ProtocolViolation);
});
