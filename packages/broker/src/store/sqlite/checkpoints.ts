import type { Database } from 'better-sqlite3';

/**
 * What is in the log and must go to the database file costs the same whenever it goes, so little at a time keeps each
 * pause short. What was written and removed again costs almost nothing if the log is left to grow meanwhile; but a log
 * that is used over again from its start is synced faster than one that makes the file longer.
 */
const GROWTH_BYTES = 4 * 1024 * 1024;
const LOG_BYTES = 16 * 1024 * 1024;
/** The file of the log is kept up to this size; only a transaction that is large by itself makes it longer. */
export const LOG_FILE_BYTES_MAX: number = 2 * LOG_BYTES;
/** A page with the header before it, https://sqlite.org/fileformat2.html#the_write_ahead_log. */
const FRAME_BYTES = 4096 + 24;
/** When nothing is asked for this long, the log is emptied, so that a start after a crash has little to replay. */
const IDLE_MS = 500;
/** About what a commit writes beside its batches: a page of each table and index that it touches. */
const COMMIT_BYTES = 20 * 1024;

/** Decides when the write-ahead log is copied into the database; never inside a commit. */
export class Checkpoints {
  readonly #database: Database;
  #growth = 0;
  #logBytes = 0;
  #logFileBytes = 0;
  #commits = 0;
  #idleTimer: NodeJS.Timeout | undefined;

  constructor(database: Database) {
    this.#database = database;
  }

  /** To be called after each commit, once its answer is on the way. */
  committed({
    bytesAdded,
    bytesRemoved,
  }: {
    readonly bytesAdded: number;
    readonly bytesRemoved: number;
  }): void {
    this.#commits++;
    this.#growth += bytesAdded - bytesRemoved;
    this.#logBytes += bytesAdded + COMMIT_BYTES;
    if (this.#growth >= GROWTH_BYTES || this.#logBytes >= LOG_BYTES) this.#checkpoint('PASSIVE');
    if (this.#idleTimer === undefined) this.#watch();
  }

  /** To be called after a commit that was not asked for, of which nobody knows how much it wrote. */
  worked(): void {
    this.#commits++;
    const [{ log, checkpointed }] = this.#ask('NOOP');
    this.#logBytes = (log - checkpointed) * FRAME_BYTES;
    if (this.#logBytes >= GROWTH_BYTES) this.#checkpoint('PASSIVE');
    if (this.#idleTimer === undefined) this.#watch();
  }

  /** Makes both files as short as they can be. */
  truncate(): void {
    this.#checkpoint('TRUNCATE');
  }

  stop(): void {
    clearTimeout(this.#idleTimer);
  }

  #watch(): void {
    const commits = this.#commits;
    this.#idleTimer = setTimeout(() => {
      this.#idleTimer = undefined;
      if (this.#commits === commits) this.#whenIdle();
      else this.#watch();
    }, IDLE_MS).unref();
  }

  #whenIdle(): void {
    if (this.#logBytes > 0) this.#checkpoint('PASSIVE');
    if (this.#logFileBytes > LOG_FILE_BYTES_MAX) this.#checkpoint('TRUNCATE');
  }

  #checkpoint(mode: 'PASSIVE' | 'TRUNCATE'): void {
    try {
      const [{ log }] = this.#ask(mode);
      this.#logFileBytes = mode === 'TRUNCATE' ? 0 : Math.max(this.#logFileBytes, log * FRAME_BYTES);
    } catch (error) {
      // The disk is full, so the log stays as it is, with all that was committed; it is tried again later.
      if ((error as { code?: string }).code !== 'SQLITE_FULL') throw error;
    }
    this.#growth = 0;
    this.#logBytes = 0;
  }

  #ask(mode: 'NOOP' | 'PASSIVE' | 'TRUNCATE'): [{ log: number; checkpointed: number }] {
    return this.#database.pragma(`wal_checkpoint(${mode})`) as [{ log: number; checkpointed: number }];
  }
}
