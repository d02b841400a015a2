import type { Database } from 'better-sqlite3';
import type { Written } from './transaction-writer.ts';

/**
 * What is in the log and must go to the database file costs the same whenever it goes, so little at a time keeps each
 * pause short. What was written and removed again costs almost nothing if the log is left to grow meanwhile; but a log
 * that is used over again from its start is synced faster than one that makes the file longer.
 */
const GROWTH_BYTES = 4 * 1024 * 1024;
const LOG_BYTES = 16 * 1024 * 1024;
/** When nothing is asked for this long, the log is emptied, so that a start after a crash has little to replay. */
const IDLE_MS = 500;
/** About what a commit writes beside its batches: a page of each table and index that it touches. */
const COMMIT_BYTES = 20 * 1024;

/** Decides when the write-ahead log is copied into the database; never inside a commit. */
export class Checkpoints {
  readonly #database: Database;
  #growth = 0;
  #logBytes = 0;
  #idleTimer: NodeJS.Timeout | undefined;

  constructor(database: Database) {
    this.#database = database;
  }

  /** To be called after each commit, once its answer is on the way. */
  committed({ bytesAdded, bytesRemoved }: Written): void {
    this.#growth += bytesAdded - bytesRemoved;
    this.#logBytes += bytesAdded + COMMIT_BYTES;
    if (this.#growth >= GROWTH_BYTES || this.#logBytes >= LOG_BYTES) this.#checkpoint();
    else this.#idleTimer ??= setTimeout(() => this.#whenIdle(this.#logBytes), IDLE_MS).unref();
  }

  stop(): void {
    clearTimeout(this.#idleTimer);
  }

  #whenIdle(logBytesThen: number): void {
    this.#idleTimer = undefined;
    if (this.#logBytes === logBytesThen) this.#checkpoint();
    else this.#idleTimer = setTimeout(() => this.#whenIdle(this.#logBytes), IDLE_MS).unref();
  }

  #checkpoint(): void {
    try {
      this.#database.pragma('wal_checkpoint(PASSIVE)');
    } catch (error) {
      // The disk is full, so the log stays as it is, with all that was committed; it is tried again later.
      if ((error as { code?: string }).code !== 'SQLITE_FULL') throw error;
    }
    this.#growth = 0;
    this.#logBytes = 0;
  }
}
