import type { MessagePort } from 'node:worker_threads';
import type { StoreSnapshot, StoreTransaction } from '../store.ts';
import type { DatabaseOptions } from './database.ts';

/** What the storage thread is started with. */
export interface StorageThreadData {
  readonly database: DatabaseOptions;
  readonly port: MessagePort;
  /** How many requests and replies were posted, modulo 2^32, so that either side can look without asking the port. */
  readonly counters: Int32Array;
}

/** Places in `counters`. */
export const REQUESTS = 0;
export const REPLIES = 1;

/** A commit with no more data than this is somebody's awaited message: what matters is how soon it is done. */
export const SMALL_COMMIT_BYTES = 4096;

/** What the main thread asks of the storage thread. */
export type StorageRequest =
  | { readonly type: 'commit'; readonly id: number; readonly commit: CommitMessage }
  | {
      readonly type: 'read';
      readonly id: number;
      readonly streamId: number;
      readonly from: number;
      readonly bytesMax: number;
    }
  | { readonly type: 'close'; readonly id: number };

/**
 * A transaction as it crosses the threads, without its empty parts: each costs the cloning some time. The batches are
 * side by side in one buffer, which is handed over and not copied; `places` has BATCH_COLUMNS numbers for each.
 */
export interface CommitMessage extends Partial<Omit<StoreTransaction, 'batches'>> {
  readonly data: ArrayBuffer;
  readonly places: Float64Array;
}

/** streamId, first, count, bytes, time, and the length of its data. */
export const BATCH_COLUMNS = 6;

/** A batch as it is read: its row, and its data for decodeBatch. */
export interface BatchRow {
  readonly first: number;
  readonly time: number;
  readonly data: Uint8Array<ArrayBuffer>;
}

/** What the storage thread answers. */
export type StorageReply =
  | { readonly type: 'opened'; readonly snapshot: StoreSnapshot }
  | { readonly type: 'refused'; readonly message: string }
  | {
      readonly type: 'committed';
      readonly id: number;
      readonly removed: { streamId: number; bytes: number }[];
    }
  | { readonly type: 'rows'; readonly id: number; readonly rows: readonly BatchRow[] }
  | { readonly type: 'full'; readonly id: number; readonly message: string }
  | { readonly type: 'failed'; readonly id: number; readonly message: string }
  | { readonly type: 'closed'; readonly id: number };
