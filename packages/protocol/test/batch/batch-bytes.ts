import {
  type Attributes,
  BatchBuilder,
  type BatchBuilderOptions,
  decodeAttributes,
  encodeAttributes,
  encodeBatchHead,
  RECORD_RAW,
  type RecordBatch,
  readRecord,
} from '@simplemq/protocol';
import fc from 'fast-check';
import { text, whole } from '../commands/values.ts';

/** A batch as a test writes it down. */
export interface PlainBatch {
  readonly shared?: Attributes;
  readonly records: readonly PlainRecord[];
}

export interface PlainRecord {
  readonly raw: boolean;
  readonly body: Buffer;
  readonly attributes?: Attributes;
}

export const anyAttributes: fc.Arbitrary<Attributes> = fc.record(
  {
    // msgpackr renames the key `__proto__`, so that it cannot replace a prototype.
    headers: fc.dictionary(
      text.filter((name) => name !== '__proto__'),
      text,
      { maxKeys: 4, noNullPrototype: true },
    ),
    key: text,
    priority: fc.nat(3),
    deliverAt: whole,
    ttlMs: whole,
    messageId: text,
  },
  { requiredKeys: [], noNullPrototype: true },
) as fc.Arbitrary<Attributes>;

const anyRecord: fc.Arbitrary<PlainRecord> = fc
  .tuple(
    fc.boolean(),
    fc.uint8Array({ maxLength: 40 }),
    fc.option(anyAttributes, { nil: undefined, freq: 3 }),
  )
  .map(([raw, body, attributes]) => ({ raw, body: Buffer.from(body), ...(attributes && { attributes }) }));

export const anyBatch: fc.Arbitrary<PlainBatch> = fc
  .tuple(fc.option(anyAttributes, { nil: undefined }), fc.array(anyRecord, { minLength: 1, maxLength: 12 }))
  .map(([shared, records]) => ({ records, ...(shared && { shared }) }));

export function buildBatch(batch: PlainBatch, options: BatchBuilderOptions = {}): Buffer {
  const shared = batch.shared && { shared: encodeAttributes(batch.shared) };
  const builder = new BatchBuilder({ ...options, ...shared });
  for (const { body, raw, attributes } of batch.records) {
    builder.append(body, raw, attributes && encodeAttributes(attributes));
  }
  return builder.finish();
}

/** What `buildBatch` was given, read back from its bytes. */
export function readBatch(batch: RecordBatch): PlainBatch {
  const records: PlainRecord[] = [];
  for (let offset = 0; offset < batch.records.length; ) {
    const record = readRecord(batch.records, offset);
    records.push({
      raw: (record.flags & RECORD_RAW) !== 0,
      body: Buffer.from(record.body),
      ...(record.attributes.length > 0 && { attributes: decodeAttributes(record.attributes) }),
    });
    offset = record.end;
  }
  return { records, ...(batch.shared.length > 0 && { shared: decodeAttributes(batch.shared) }) };
}

/** The bytes that a decoded batch came from. */
export function bytesOf(batch: RecordBatch): Buffer {
  return Buffer.concat([
    encodeBatchHead(batch.count, batch.flags, batch.shared, batch.records),
    batch.records,
  ]);
}
