import type { MessagePort } from 'node:worker_threads';
import type {
  BackupPiece,
  FrontRequest,
  ListDelayedRequest,
  ReadDelayedRequest,
  ReadFailuresRequest,
  ReadRequest,
  SeekRequest,
  StoredDamage,
  StoredFailure,
  StoreSnapshot,
} from '../store.ts';
import type { CommitRecord } from './commit-record.ts';
import type { DamagedBatch } from './damaged-batches.ts';
import type { DatabaseOptions } from './database.ts';
import type { Awaited } from './spin.ts';

/** What the storage thread is started with. */
export interface StorageThreadData {
  readonly database: DatabaseOptions;
  readonly port: MessagePort;
  /** Requests and replies that were posted, and taken, modulo 2^32: either side can look without asking the port. */
  readonly counters: Int32Array;
  /** Whether it is to collect its garbage by itself; see garbage.ts. */
  readonly collects: boolean;
}

/** Places in `counters`. */
export const REQUESTS = 0;
export const REPLIES = 1;
export const REQUESTS_TAKEN = 2;
export const REPLIES_TAKEN = 3;
export const COUNTERS = 4;

/** What each side waits for. */
export const A_REPLY: Awaited = { done: REPLIES, begun: REQUESTS_TAKEN };
export const A_REQUEST: Awaited = { done: REQUESTS, begun: REPLIES_TAKEN };
/** Who is awake takes what was posted in some microseconds; in ms. */
export const TAKEN_MS = 0.03;

/** A commit with no more data than this is somebody's awaited message: what matters is how soon it is done. */
const SMALL_COMMIT_BYTES = 4096;

/** What the main thread asks of the storage thread. */
export type StorageRequest =
  | { readonly type: 'commit'; readonly id: number; readonly commit: CommitMessage }
  | QueryRequest
  | { readonly type: 'close'; readonly id: number };

/** A transaction as it crosses the threads; its record is handed over and not copied. */
export interface CommitMessage {
  readonly record: CommitRecord;
  /** Whether it brings messages, for which there must be room on the disk. */
  readonly bringsMessages: boolean;
  /** Of its bytes, those without what only moves; 0 when no message is new. */
  readonly newBytes: number;
}

/** Whether it is worth looking for the reply, or for the next request, instead of going to sleep. */
export function isAwaited({ record, bringsMessages }: CommitMessage): boolean {
  return bringsMessages && record.bytes.byteLength <= SMALL_COMMIT_BYTES;
}

/** What is asked, and what is answered, by the name of the question. */
export interface Queries {
  read: { request: ReadRequest; answer: readonly BatchRow[] };
  seek: { request: SeekRequest; answer: number | undefined };
  front: { request: FrontRequest; answer: number | undefined };
  readDelayed: { request: ReadDelayedRequest; answer: DelayedRows };
  listDelayed: { request: ListDelayedRequest; answer: readonly DelayedRow[] };
  readFailures: { request: ReadFailuresRequest; answer: readonly StoredFailure[] };
  /** Whether there is room for a commit that brings so many bytes of messages. */
  hasRoom: { request: { readonly bytes: number }; answer: boolean };
  beginBackup: { request: { readonly pieceBytes: number }; answer: number };
  readBackup: { request: object; answer: BackupPiece };
  endBackup: { request: object; answer: undefined };
  /** Answered once it is done; 'damaged' tells what came of it, before. */
  setAside: { request: readonly DamagedBatch[]; answer: undefined };
}

export type QueryRequest = {
  [Q in keyof Queries]: { readonly type: Q; readonly id: number; readonly request: Queries[Q]['request'] };
}[keyof Queries];

/** A batch as it is read: its row, and its data for decodeBatch. */
export interface BatchRow {
  readonly first: number;
  readonly ordinal: number;
  readonly count: number;
  /** Those of its head; null where they were not kept. */
  readonly flags: number | null;
  readonly time: number;
  readonly data: Uint8Array<ArrayBuffer>;
}

export interface DelayedRow {
  readonly id: number;
  readonly streamId: number;
  readonly lane: number;
  /** 0 or 1. */
  readonly isSteady: number;
  readonly dueAt: number;
  readonly time: number;
  readonly count: number;
  readonly flags: number | null;
  readonly data: Uint8Array<ArrayBuffer>;
}

export interface DelayedRows {
  readonly due: readonly DelayedRow[];
  readonly nextWallMs?: number;
  readonly nextSteadyMs?: number;
}

/** What the storage thread answers. */
export type StorageReply =
  | {
      readonly type: 'opened';
      readonly snapshot: StoreSnapshot;
      /** What was set aside on the way. */
      readonly damage: readonly StoredDamage[];
    }
  | { readonly type: 'refused'; readonly message: string }
  | {
      readonly type: 'committed';
      readonly id: number;
      readonly removed: { streamId: number; bytes: number }[];
    }
  /** Set aside, for whatever reason; comes before the answer to what brought it to light. */
  | { readonly type: 'damaged'; readonly damage: readonly StoredDamage[] }
  | { readonly type: 'answer'; readonly id: number; readonly answer: unknown }
  | { readonly type: 'full'; readonly id: number; readonly message: string }
  | { readonly type: 'failed'; readonly id: number; readonly message: string }
  | { readonly type: 'closed'; readonly id: number };
