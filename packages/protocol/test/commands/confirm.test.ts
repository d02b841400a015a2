import {
  decodeConfirm,
  decodeEnvelope,
  decodeTransacted,
  encodeConfirm,
  encodeEnvelope,
  ProtocolViolation,
} from '@simplemq/protocol';
import { expect, test } from 'vitest';
import { payloadOf } from './command-codecs.ts';

const durability = 'fsync';

test('a receipt without duplicates and delayed messages has no field for them', () => {
  const frame = encodeConfirm(1, { streams: [{ stream: 'orders', first: 1 }], durability });
  expect(decodeEnvelope('CONFIRM', payloadOf(frame)).optionalAny('marks')).toBeUndefined();
});

test('duplicates and delayed messages are told of the streams that have some', () => {
  const streams = [
    { stream: 'orders', first: 1001, duplicates: [0, 998, 3, 0] },
    { stream: 'audit', first: 77 },
    { stream: 'later', first: 5, delayed: [1, 41] },
  ];
  const payload = payloadOf(encodeConfirm(1, { streams, durability }));
  expect(decodeEnvelope('CONFIRM', payload).array('marks')).toEqual([
    'orders',
    [0, 998, 3, 0],
    [],
    'later',
    [],
    [1, 41],
  ]);
  expect(decodeConfirm(payload)).toEqual({ streams, durability });
});

test.each<[string, unknown[]]>([
  ['half a pair', ['orders', [0], []]],
  ['a fraction', ['orders', [0, 1.5], []]],
  ['one list', ['orders', []]],
  ['a number for a name', [7, [], []]],
  ['a map for a list', ['orders', [], {}]],
])('marks with %s are a ProtocolViolation', (_what, marks) => {
  const receipt = { streams: ['orders', 1], marks };
  expect(() => decodeConfirm(encodeEnvelope({ ...receipt, durability }))).toThrow(ProtocolViolation);
  expect(() => decodeTransacted(encodeEnvelope({ publishes: [receipt], durability }))).toThrow(
    ProtocolViolation,
  );
});
