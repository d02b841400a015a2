import {
  ATTRIBUTES_BYTES_MAX,
  BATCH_PLAIN,
  decodeBatch,
  encodeAttributes,
  encodeEnvelope,
  RECORD_ATTRIBUTES,
  type RecordBatch,
  type RecordRules,
  scanValue,
  validateRecords,
} from '@simplemq/protocol';
import { describe, expect, test } from 'vitest';
import { buildBatch } from './batch-bytes.ts';

const batchOf = (count: number, hex: string, flags = 0): RecordBatch => ({
  count,
  flags,
  shared: Buffer.alloc(0),
  records: Buffer.from(hex.replaceAll(' ', ''), 'hex'),
});

describe('records are refused', () => {
  test.each<[string, RecordBatch, RegExp]>([
    ['when the count is larger than what is there', batchOf(2, '00000001 00'), /ends inside a record/],
    [
      'when the count is smaller than what is there',
      batchOf(1, '00000001 00 00000001 00'),
      /after its last record/,
    ],
    ['when a length leaves out the flags', batchOf(1, '00000000 00'), /longer than its batch/],
    ['when a length goes past the batch', batchOf(1, '00000003 00 ff'), /longer than its batch/],
    ['when a length is 4 GiB', batchOf(1, 'ffffffff 00 ff'), /longer than its batch/],
    ['when flags are none', batchOf(1, '00000001 04'), /flags that are none/],
    ['when a plain batch has attributes', batchOf(1, '00000002 01 80', BATCH_PLAIN), /plain batch/],
    ['when attributes go past the record', batchOf(1, '00000002 01 81'), /more values than it has bytes/],
    ['when attributes are announced and missing', batchOf(1, '00000001 01'), /in the middle of a value/],
    ['when attributes hold an extension type', batchOf(1, '00000006 01 81 a1 61 d4 00'), /not allowed/],
  ])('%s', (_, batch, message) => {
    expect(() => validateRecords(batch)).toThrow(
      expect.objectContaining({ code: 'ProtocolViolation', message: expect.stringMatching(message) }),
    );
  });

  test('when the attributes of one are longer than 64 KiB', () => {
    const validate = (attributes: Buffer) => {
      const head = Buffer.from([0, 0, 0, 0, RECORD_ATTRIBUTES]);
      head.writeUInt32BE(1 + attributes.length, 0);
      validateRecords({ ...batchOf(1, ''), records: Buffer.concat([head, attributes]) });
    };
    const overhead = encodeEnvelope({ key: 'x'.repeat(ATTRIBUTES_BYTES_MAX) }).length - ATTRIBUTES_BYTES_MAX;
    // A string of less than 64 KiB has a shorter header than the one measured, by two bytes.
    const longest = ATTRIBUTES_BYTES_MAX - overhead + 2;
    const fits = encodeEnvelope({ key: 'x'.repeat(longest - 2) });
    expect(fits.length).toBeLessThanOrEqual(ATTRIBUTES_BYTES_MAX);
    validate(fits);
    expect(() => validate(encodeEnvelope({ key: 'x'.repeat(ATTRIBUTES_BYTES_MAX) }))).toThrow(
      /are longer than/,
    );
  });
});

test('an empty body is a record', () => {
  validateRecords(batchOf(1, '00000001 02', BATCH_PLAIN));
});

test('whoever validates sees the size of each body and the attributes of each record that has some', () => {
  const attributes = { messageId: 'm-1' };
  const batch = decodeBatch(
    buildBatch({
      records: [
        { raw: true, body: Buffer.alloc(7) },
        { raw: false, body: Buffer.alloc(9), attributes },
        { raw: true, body: Buffer.alloc(0) },
      ],
    }),
  );
  const sizes: number[] = [];
  const seen: Buffer[] = [];
  const rules: RecordRules = {
    onBody: (bytes) => sizes.push(bytes),
    readAttributes: (bytes, start, end) => {
      const attributesEnd = scanValue(bytes, start, end);
      seen.push(bytes.subarray(start, attributesEnd));
      return attributesEnd;
    },
  };
  validateRecords(batch, rules);
  expect(sizes).toEqual([7, 9, 0]);
  expect(seen).toEqual([encodeAttributes(attributes)]);
});
