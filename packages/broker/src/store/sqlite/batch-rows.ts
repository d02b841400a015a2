import { decodeBatch, type RecordBatch } from '@simplemq/protocol';
import { Batch } from '../../stream/batch.ts';
import type { StoredDelayed } from '../store.ts';
import type { BatchRow, DelayedRow } from './messages.ts';

/** What came of a row: a batch, or how it is seen that its bytes are not those that were stored. */
export type Unpacked<T> = { readonly batch: T } | { readonly why: string };

export function unpackRow(row: BatchRow): Unpacked<Batch> {
  const { first, ordinal, time } = row;
  return unpack(row, (fields) => new Batch({ first, ordinal, time, ...fields }));
}

export function unpackDelayed(row: DelayedRow): Unpacked<StoredDelayed> {
  const { id, streamId, lane, isSteady, dueAt, time } = row;
  return unpack(row, (fields) => {
    const batch = new Batch({ first: 0, ordinal: 0, time, ...fields });
    return { id, streamId, lane, isSteady: isSteady !== 0, dueAt, batch };
  });
}

/** How it is seen that the bytes of a batch are not those that were stored; undefined when they are. */
export function damageOf(row: Packed): string | undefined {
  const unpacked = unpack(row, (fields) => fields);
  return 'why' in unpacked ? unpacked.why : undefined;
}

interface Packed {
  readonly count: number;
  /** Null where they are not known. */
  readonly flags: number | null;
  readonly data: Uint8Array<ArrayBufferLike>;
}

/** The head of a batch is not covered by its checksum, so its row repeats what that says. */
function unpack<T>({ count, flags, data }: Packed, make: (fields: RecordBatch) => T): Unpacked<T> {
  let fields: RecordBatch;
  try {
    fields = decodeBatch(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
  } catch (error) {
    return { why: (error as Error).message };
  }
  if (fields.count !== count)
    return { why: `a record batch says that it has ${fields.count} records, not ${count}` };
  if (flags !== null && fields.flags !== flags)
    return { why: 'a record batch has other flags than were stored' };
  return { batch: make(fields) };
}
