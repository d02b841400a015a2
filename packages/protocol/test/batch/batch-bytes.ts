import {
  type Attributes,
  BatchBuilder,
  type BatchBuilderOptions,
  type DeadLetter,
  decodeAttributes,
  encodeAttributes,
  encodeBatchHead,
  type FailedAttempt,
  RECORD_RAW,
  type RecordBatch,
  readRecord,
} from '@simplemq/protocol';
import fc from 'fast-check';
import { fields, headers, text, whole } from '../commands/values.ts';

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

const anyFailure: fc.Arbitrary<FailedAttempt> = fields({
  attempt: whole,
  at: whole,
  cause: text,
  error: text,
});

const anyDeadLetter: fc.Arbitrary<DeadLetter> = fields<DeadLetter>({
  stream: text,
  group: text,
  sequence: whole,
  publishedAt: whole,
  diedAt: whole,
  cause: text,
  error: text,
  attempts: fc.array(anyFailure, { maxLength: 3 }),
});

/** Attributes have a time or a delay, not both. */
const anyTime: fc.Arbitrary<Pick<Attributes, 'deliverAt' | 'delayMs'>> = fc.oneof(
  fc.constant({}),
  fields({ deliverAt: whole }),
  fields({ delayMs: whole }),
);

export const anyAttributes: fc.Arbitrary<Attributes> = fc
  .tuple(
    fields(
      {},
      {
        headers,
        key: text,
        priority: fc.nat(3),
        ttlMs: whole.map((ttlMs) => Math.max(ttlMs, 1)),
        messageId: text,
        group: text,
        dead: anyDeadLetter,
      },
    ),
    anyTime,
  )
  .map(([attributes, time]) => ({ ...attributes, ...time }));

const anyRecord: fc.Arbitrary<PlainRecord> = fc
  .tuple(
    fc.boolean(),
    fc.uint8Array({ maxLength: 40 }),
    fc.option(anyAttributes, { nil: undefined, freq: 3 }),
  )
  .map(([raw, body, attributes]) => ({ raw, body: Buffer.from(body), ...(attributes && { attributes }) }));

const anyBatchOf = (maxLength: number): fc.Arbitrary<PlainBatch> =>
  fc
    .tuple(fc.option(anyAttributes, { nil: undefined }), fc.array(anyRecord, { minLength: 1, maxLength }))
    .map(([shared, records]) => ({ records, ...(shared && { shared }) }));

export const anyBatch: fc.Arbitrary<PlainBatch> = anyBatchOf(12);
/** A batch of one record. */
export const anySingle: fc.Arbitrary<PlainBatch> = anyBatchOf(1);

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
