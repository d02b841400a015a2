import { BatchBuilder, decodeBatch, type RecordBatch, readRecord } from '@simplemq/protocol';
import type { DeliveredRun } from '../src/engine/engine.ts';
import { Batch } from '../src/stream/batch.ts';

/** A batch of these texts, as a client would send it. */
export function batchOf(...bodies: readonly string[]): RecordBatch {
  const builder = new BatchBuilder();
  for (const body of bodies) builder.append(Buffer.from(body), true);
  return decodeBatch(builder.finish());
}

/** A batch of `count` texts: the prefix and a number from 1 on. */
export function batchOfMany(count: number, prefix = ''): RecordBatch {
  return batchOf(...Array.from({ length: count }, (_, index) => `${prefix}${index + 1}`));
}

/** A batch in its place on a stream. */
export function placedBatch(first: number, ...bodies: readonly string[]): Batch {
  return new Batch({ first, time: 1_700_000_000_000, ...batchOf(...bodies) });
}

/** The texts of records side by side. */
export function bodiesOf({ count, records }: Pick<DeliveredRun, 'count' | 'records'>): string[] {
  const bodies: string[] = [];
  let offset = 0;
  for (let i = 0; i < count; i++) {
    const { body, end } = readRecord(records, offset);
    bodies.push(body.toString());
    offset = end;
  }
  if (offset !== records.length) throw new Error(`a run of ${count} has bytes after its last record`);
  return bodies;
}
