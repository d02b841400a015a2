import {
  type Attributes,
  BatchBuilder,
  decodeAttributes,
  decodeBatch,
  encodeAttributes,
  type RecordBatch,
  readRecord,
} from '@simplemq/protocol';
import type { ReadRun } from '../../src/engine/engine.ts';

/** A message as its publisher made it. */
export interface MadeRecord {
  readonly body: string;
  readonly attributes: Attributes;
}

/** A message as it was delivered or read. */
export interface ReadRecord extends MadeRecord {
  readonly sequence: number;
}

/** A batch of these, as a client would send it; a record without attributes is a plain one. */
export function batchOfRecords(records: readonly MadeRecord[]): RecordBatch {
  const builder = new BatchBuilder();
  for (const { body, attributes } of records) {
    const isBare = Object.keys(attributes).length === 0;
    builder.append(Buffer.from(body), true, isBare ? undefined : encodeAttributes(attributes));
  }
  return decodeBatch(builder.finish());
}

/** The messages of a run, taken apart. */
export function recordsOf({ first, count, shared, records }: Omit<ReadRun, 'time' | 'flags'>): ReadRecord[] {
  const common = shared.length > 0 ? decodeAttributes(shared) : {};
  const read: ReadRecord[] = [];
  let offset = 0;
  for (let i = 0; i < count; i++) {
    const { attributes, body, end } = readRecord(records, offset);
    const own = attributes.length > 0 ? decodeAttributes(attributes) : {};
    read.push({ sequence: first + i, body: body.toString(), attributes: { ...common, ...own } });
    offset = end;
  }
  if (offset !== records.length) throw new Error(`a run of ${count} has bytes after its last record`);
  return read;
}
