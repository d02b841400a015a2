import {
  decodeReadReply,
  decodeSaveSchedule,
  decodeTransaction,
  encodeEnvelope,
  encodeReadReply,
  encodeSaveScheduleHead,
  encodeTransactionHead,
  Opcode,
  ProtocolViolation,
  TRANSACTION_PUBLISHES_MAX,
} from '@simplemq/protocol';
import { describe, expect, test } from 'vitest';
import { buildBatch } from '../batch/batch-bytes.ts';
import { payloadOf } from './command-codecs.ts';

const record = { raw: true, body: Buffer.from('hello') };
const batch = buildBatch({ records: [record] });
const publish = { bind: { stream: 'orders' } };

function transaction(publishes: number, batchesBytes: readonly number[], batches: Buffer[]): Buffer {
  const list = Array.from({ length: publishes }, () => publish);
  const head = encodeTransactionHead(1, { number: 1, settled: 0, acks: [], publishes: list }, batchesBytes);
  return payloadOf(Buffer.concat([head, ...batches]));
}

describe('a TRANSACTION', () => {
  test('may have no publishes, and acks alone', () => {
    const entries = [{ stream: 'orders', ranges: [{ first: 1, last: 9, attempt: 2 }] }];
    const request = { number: 3, settled: 2, acks: [{ follower: 7, entries }], publishes: [] };
    expect(decodeTransaction(payloadOf(encodeTransactionHead(1, request, [])))).toEqual(request);
  });

  test.each<[string, Buffer, RegExp]>([
    ['a batch that is longer than it says', transaction(1, [batch.length - 1], [batch]), /declares/],
    ['bytes after its last batch', transaction(1, [batch.length], [batch, Buffer.of(0)]), /after its last/],
    ['a batch that does not come', transaction(2, [batch.length, batch.length], [batch]), /shorter/],
    ['a batch of nothing', transaction(1, [0], []), /shorter/],
    [
      'more publishes than the limit',
      transaction(TRANSACTION_PUBLISHES_MAX + 1, new Array(TRANSACTION_PUBLISHES_MAX + 1).fill(1), []),
      /the limit is 1024/,
    ],
    ['acks of no follower', encodeEnvelope({ number: 1, settled: 0, acks: [1], publishes: [] }), /pairs/],
  ])('with %s is a ProtocolViolation', (_what, payload, message) => {
    expect(() => decodeTransaction(payload)).toThrow(ProtocolViolation);
    expect(() => decodeTransaction(payload)).toThrow(message);
  });
});

describe('a READ_REPLY', () => {
  const reply = payloadOf(encodeReadReply(1, Opcode.ReadReply, { runs: [], next: 5, more: false }));

  test('may have no runs', () => {
    expect(decodeReadReply(reply)).toEqual({ runs: [], next: 5, more: false });
  });

  test.each<[string, Buffer]>([
    ['bytes after its last batch', Buffer.concat([reply, Buffer.of(0)])],
    ['a run without a batch', encodeEnvelope({ runs: [1, 1, batch.length], next: 2, more: false })],
    ['half a run', encodeEnvelope({ runs: [1, 1], next: 2, more: false })],
    ['a run of no number', Buffer.concat([encodeEnvelope({ runs: [1, 1, 'a'], next: 2 }), batch])],
  ])('with %s is a ProtocolViolation', (_what, payload) => {
    expect(() => decodeReadReply(payload)).toThrow(ProtocolViolation);
  });
});

test('a SAVE_SCHEDULE has one record, and no more', () => {
  const schedule = { name: 'nightly', stream: 'orders', cron: '0 3 * * *' };
  const two = buildBatch({ records: [record, record] });
  const payload = payloadOf(Buffer.concat([encodeSaveScheduleHead(1, schedule, two.length), two]));
  expect(() => decodeSaveSchedule(payload)).toThrow(/2 records; it must have one/);
});
