import { BATCH_HEADER_BYTES, encodeBatchHead } from '@simplemq/protocol';
import type { Batch } from '../../stream/batch.ts';
import type { StoreTransaction } from '../store.ts';
import type { KnownGroups } from './known-groups.ts';
import { type CommitMessage, type CommitRows, PLAIN_PARTS } from './messages.ts';

/** Makes a transaction ready to cross to the storage thread. What crosses is a copy: the transaction stays as it is. */
export function packCommit(transaction: StoreTransaction, known: KnownGroups): CommitMessage {
  const data = new DataPacker(dataBytes(transaction));
  const { groups, positions } = known.takeChanges(transaction);
  const rows: CommitRows = {
    batches: transaction.batches.flatMap(({ streamId, lane, batch }) => {
      const { first, ordinal, count, bytes, time } = batch;
      return [streamId, lane, first, ordinal, count, bytes, time, data.addBatch(batch)];
    }),
    streams: transaction.streams.flatMap(({ id, nextSequence, firstSequence, messages, lastTime, lanes }) => {
      const row = [id, nextSequence, firstSequence, messages, lastTime, lanes.length];
      for (const { ordinal, end } of lanes) row.push(ordinal, end);
      return row;
    }),
    positions,
    windows: transaction.windows.flatMap(({ groupId, lane, window, format, state }) => {
      return [groupId, lane, window, format, data.add(state)];
    }),
    droppedWindows: transaction.droppedWindows.flatMap(({ groupId, lane, window }) => [
      groupId,
      lane,
      window,
    ]),
    removals: transaction.removals.flatMap(({ streamId, lane, first, last }) => [
      streamId,
      lane,
      first,
      last,
    ]),
    delayed: transaction.delayed.flatMap(({ id, streamId, lane, isSteady, dueAt, batch }) => {
      const { count, bytes, time } = batch;
      return [id, streamId, lane, Number(isSteady), dueAt, count, bytes, time, data.addBatch(batch)];
    }),
    dedup: transaction.dedup.flatMap(({ streamId, time, ids }) => [streamId, time, data.add(ids)]),
  };
  const commit: Record<string, unknown> = { data: data.buffer };
  const add = (name: string, part: readonly unknown[]): void => {
    if (part.length > 0) commit[name] = part;
  };
  for (const [name, part] of Object.entries(rows)) add(name, part);
  for (const name of PLAIN_PARTS) add(name, transaction[name]);
  add('groups', groups);
  // A view would take along all of what it is a view of.
  add(
    'schedules',
    transaction.schedules.map((schedule) => ({ ...schedule, data: Uint8Array.from(schedule.data) })),
  );
  return commit as unknown as CommitMessage;
}

function dataBytes({ batches, windows, delayed, dedup }: StoreTransaction): number {
  let bytes = 0;
  for (const { batch } of batches) bytes += BATCH_HEADER_BYTES + batch.bytes;
  for (const { state } of windows) bytes += state.length;
  for (const { batch } of delayed) bytes += BATCH_HEADER_BYTES + batch.bytes;
  for (const { ids } of dedup) bytes += ids.length;
  return bytes;
}

/** Copies bytes side by side. */
class DataPacker {
  readonly #data: Buffer<ArrayBuffer>;
  #end = 0;

  constructor(bytes: number) {
    this.#data = Buffer.allocUnsafeSlow(bytes);
  }

  get buffer(): ArrayBuffer {
    return this.#data.buffer;
  }

  /** @returns how long they are */
  add(bytes: Uint8Array): number {
    this.#data.set(bytes, this.#end);
    this.#end += bytes.length;
    return bytes.length;
  }

  addBatch({ count, flags, shared, records }: Batch): number {
    return this.add(encodeBatchHead(count, flags, shared, records)) + this.add(records);
  }
}
