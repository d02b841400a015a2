import { decodeBatch, type RecordBatch, StorageFailed } from '@simplemq/protocol';
import { Batch } from '../../stream/batch.ts';
import type { StoredDelayed } from '../store.ts';
import type { BatchRow, DelayedRow } from './messages.ts';

/** @throws StorageFailed when its bytes are not those that were stored */
export function unpackRow(streamId: number, { first, ordinal, time, data }: BatchRow): Batch {
  return new Batch({ first, ordinal, time, ...decode(data, `the batch at ${first} of stream ${streamId}`) });
}

/** @throws StorageFailed when its bytes are not those that were stored */
export function unpackDelayed({
  id,
  streamId,
  lane,
  isSteady,
  dueAt,
  time,
  data,
}: DelayedRow): StoredDelayed {
  const fields = decode(data, `the delayed batch ${id} of stream ${streamId}`);
  const batch = new Batch({ first: 0, ordinal: 0, time, ...fields });
  return { id, streamId, lane, isSteady: isSteady !== 0, dueAt, batch };
}

function decode(data: Uint8Array<ArrayBuffer>, what: string): RecordBatch {
  try {
    return decodeBatch(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
  } catch (cause) {
    throw new StorageFailed(`${what} is damaged: ${(cause as Error).message}`, { cause });
  }
}
