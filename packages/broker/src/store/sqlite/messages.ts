import type { MessagePort } from 'node:worker_threads';
import type {
  FrontRequest,
  ListDelayedRequest,
  ReadDelayedRequest,
  ReadFailuresRequest,
  ReadRequest,
  SeekRequest,
  StoredFailure,
  StoredGroup,
  StoreSnapshot,
  StoreTransaction,
} from '../store.ts';
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
const SMALL_COMMIT_BYTES = 4096;

/** What the main thread asks of the storage thread. */
export type StorageRequest =
  | { readonly type: 'commit'; readonly id: number; readonly commit: CommitMessage }
  | QueryRequest
  | { readonly type: 'close'; readonly id: number };

/**
 * A transaction as it crosses the threads, without its empty parts. What is in every commit crosses as plain numbers,
 * so many for each row, which takes half the time of objects. Batches and other bytes are side by side in one buffer,
 * which is handed over and not copied: those of `batches` first, then of `windows`, `delayed` and `dedup`; the last
 * number of a row is the length of its bytes.
 */
export interface CommitMessage
  extends Partial<CommitRows>,
    Partial<Pick<StoreTransaction, PlainPart | 'schedules'>> {
  readonly data: ArrayBuffer;
  /** Those that are new, or have another policy. */
  readonly groups?: readonly Omit<StoredGroup, 'positions'>[];
}

export interface CommitRows {
  /** streamId, lane, first, ordinal, count, bytes, time, length */
  readonly batches: readonly number[];
  /** id, nextSequence, firstSequence, messages, lastTime, how many lanes, and of each lane ordinal and end */
  readonly streams: readonly number[];
  /** groupId, lane, ackFloor, readPosition, ordinal: those that changed */
  readonly positions: readonly number[];
  /** groupId, lane, window, format, length */
  readonly windows: readonly number[];
  /** groupId, lane, window */
  readonly droppedWindows: readonly number[];
  /** streamId, lane, first, last */
  readonly removals: readonly number[];
  /** id, streamId, lane, isSteady (0 or 1), dueAt, count, bytes, time, length */
  readonly delayed: readonly number[];
  /** streamId, time, length */
  readonly dedup: readonly number[];
}

/** Numbers in a row. */
export const BATCH_COLUMNS = 8;
/** Those before the lanes. */
export const STREAM_COLUMNS = 6;
export const POSITION_COLUMNS = 5;
export const WINDOW_COLUMNS = 5;
export const DROPPED_WINDOW_COLUMNS = 3;
export const REMOVAL_COLUMNS = 4;
export const DELAYED_COLUMNS = 9;
export const DEDUP_COLUMNS = 3;

/** What crosses as it is. */
export const PLAIN_PARTS: readonly PlainPart[] = [
  'deletedStreams',
  'createdStreams',
  'updatedStreams',
  'deletedGroups',
  'producers',
  'forgottenProducers',
  'removedDelayed',
  'failures',
  'droppedFailures',
  'droppedDedup',
  'deletedSchedules',
  'clockOffsetMs',
];

export type PlainPart = Extract<
  keyof StoreTransaction,
  | 'deletedStreams'
  | 'createdStreams'
  | 'updatedStreams'
  | 'deletedGroups'
  | 'producers'
  | 'forgottenProducers'
  | 'removedDelayed'
  | 'failures'
  | 'droppedFailures'
  | 'droppedDedup'
  | 'deletedSchedules'
  | 'clockOffsetMs'
>;

/** Whether it brings messages, for which there must be room on the disk. */
export function bringsMessages({ batches, delayed }: CommitMessage): boolean {
  return batches !== undefined || delayed !== undefined;
}

/** Whether it is worth looking for the reply, or for the next request, instead of going to sleep. */
export function isAwaited(commit: CommitMessage): boolean {
  return commit.data.byteLength <= SMALL_COMMIT_BYTES && bringsMessages(commit);
}

/** What is asked, and what is answered, by the name of the question. */
export interface Queries {
  read: { request: ReadRequest; answer: readonly BatchRow[] };
  seek: { request: SeekRequest; answer: number | undefined };
  front: { request: FrontRequest; answer: number | undefined };
  readDelayed: { request: ReadDelayedRequest; answer: DelayedRows };
  listDelayed: { request: ListDelayedRequest; answer: readonly DelayedRow[] };
  readFailures: { request: ReadFailuresRequest; answer: readonly StoredFailure[] };
}

export type QueryRequest = {
  [Q in keyof Queries]: { readonly type: Q; readonly id: number; readonly request: Queries[Q]['request'] };
}[keyof Queries];

/** A batch as it is read: its row, and its data for decodeBatch. */
export interface BatchRow {
  readonly first: number;
  readonly ordinal: number;
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
  readonly data: Uint8Array<ArrayBuffer>;
}

export interface DelayedRows {
  readonly due: readonly DelayedRow[];
  readonly nextWallMs?: number;
  readonly nextSteadyMs?: number;
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
  | { readonly type: 'answer'; readonly id: number; readonly answer: unknown }
  | { readonly type: 'full'; readonly id: number; readonly message: string }
  | { readonly type: 'failed'; readonly id: number; readonly message: string }
  | { readonly type: 'closed'; readonly id: number };
