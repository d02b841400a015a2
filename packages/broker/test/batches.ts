import {
  type Attributes,
  BatchBuilder,
  decodeAttributes,
  decodeBatch,
  encodeAttributes,
  type RecordBatch,
  readRecord,
} from '@simplemq/protocol';
import type { DeliveredRun } from '../src/engine/engine.ts';
import { Batch } from '../src/stream/batch.ts';

/** A text, or one with attributes of its own. */
export type TestRecord = string | (Attributes & { readonly body: string });

/** What a run or a page holds of a message. */
export interface ReadBack {
  readonly body: string;
  /** Those that all share, and its own over them. */
  readonly attributes: Attributes;
}

/** A batch of these records, as a client would send it. */
export function batchOf(...records: readonly TestRecord[]): RecordBatch {
  return build({}, records);
}

/** A batch whose records all have these attributes, besides those of their own. */
export function sharingBatch(shared: Attributes, ...records: readonly TestRecord[]): RecordBatch {
  return build({ shared: encodeAttributes(shared) }, records);
}

/** A batch of `count` texts: the prefix and a number from 1 on. */
export function batchOfMany(count: number, prefix = ''): RecordBatch {
  return batchOf(...Array.from({ length: count }, (_, index) => `${prefix}${index + 1}`));
}

/** A batch in its place in a lane without gaps. */
export function placedBatch(first: number, ...bodies: readonly string[]): Batch {
  return new Batch({ first, ordinal: first - 1, time: 1_700_000_000_000, ...batchOf(...bodies) });
}

/** The texts of records side by side. */
export function bodiesOf(run: Pick<DeliveredRun, 'count' | 'records'>): string[] {
  return readBack({ ...run, shared: NOTHING }).map(({ body }) => body);
}

/** The records of a run, with all that was sent with them. */
export function readBack({
  count,
  records,
  shared,
}: Pick<DeliveredRun, 'count' | 'records' | 'shared'>): ReadBack[] {
  const common = shared.length > 0 ? decodeAttributes(shared) : {};
  const all: ReadBack[] = [];
  let offset = 0;
  for (let i = 0; i < count; i++) {
    const { attributes: own, body, end } = readRecord(records, offset);
    const attributes = own.length > 0 ? { ...common, ...decodeAttributes(own) } : common;
    all.push({ body: body.toString(), attributes });
    offset = end;
  }
  if (offset !== records.length) throw new Error(`a run of ${count} has bytes after its last record`);
  return all;
}

const NOTHING: Buffer = Buffer.alloc(0);

function build(options: { shared?: Buffer }, records: readonly TestRecord[]): RecordBatch {
  const builder = new BatchBuilder(options);
  for (const record of records) {
    const { body, ...attributes } = typeof record === 'string' ? { body: record } : record;
    const hasOwn = Object.keys(attributes).length > 0;
    builder.append(Buffer.from(body), true, hasOwn ? encodeAttributes(attributes) : undefined);
  }
  return decodeBatch(builder.finish());
}
