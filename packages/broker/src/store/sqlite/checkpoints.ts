import { readable } from './damage-error.ts';
import { LOG_FILE_BYTES_MAX } from './database.ts';
import type { JournaledDatabase } from './journaled-database.ts';
import { isFull } from './journaled-database.ts';

/** What of SQLite's log must go to the database file costs the same whenever it goes: little at a time keeps it short. */
const LOG_BYTES = 4 * 1024 * 1024;
/** The segments that are done with are given back after so much has been appended. */
const JOURNAL_BYTES = 32 * 1024 * 1024;
/** A page with the header before it, https://sqlite.org/fileformat2.html#the_write_ahead_log. */
export const FRAME_BYTES: number = 4096 + 24;
/** When nothing is asked for this long, all of the journal goes to the database, so that a start has little to read. */
const IDLE_MS = 500;

/** Decides when what the database has of the journal is committed there, and when it is made durable there. */
export class Checkpoints {
  readonly #storage: JournaledDatabase;
  #journalBytes = 0;
  #logFileBytes = 0;
  #commits = 0;
  #idleTimer: NodeJS.Timeout | undefined;

  constructor(storage: JournaledDatabase) {
    this.#storage = storage;
  }

  /** To be called after each commit, once its answer is on the way. */
  committed(bytes: number): void {
    this.#commits++;
    this.#journalBytes += bytes;
    if (this.#storage.followed(bytes)) this.#look();
    this.#watch();
  }

  /** To be called after what changed the database alone. */
  worked(): void {
    this.#commits++;
    this.#look();
    this.#watch();
  }

  /** To be called when what could not go to the database file, or be given back, can: it does when it is quiet. */
  wake(): void {
    this.#watch();
  }

  /** Makes the files of the database as short as they can be. */
  truncate(): void {
    this.#checkpoint('TRUNCATE');
  }

  stop(): void {
    clearTimeout(this.#idleTimer);
  }

  #look(): void {
    this.#unlessFull(() => {
      const logBytes = this.#storage.logFrames() * FRAME_BYTES;
      if (logBytes >= LOG_BYTES || this.#journalBytes >= JOURNAL_BYTES) this.#checkpoint('PASSIVE');
    });
  }

  #watch(): void {
    if (this.#idleTimer !== undefined) return;
    const commits = this.#commits;
    this.#idleTimer = setTimeout(() => {
      this.#idleTimer = undefined;
      if (this.#commits === commits) this.#whenIdle();
      else this.#watch();
    }, IDLE_MS).unref();
  }

  #whenIdle(): void {
    this.#checkpoint('PASSIVE');
    if (this.#logFileBytes > LOG_FILE_BYTES_MAX) this.#checkpoint('TRUNCATE');
  }

  #checkpoint(mode: 'PASSIVE' | 'TRUNCATE'): void {
    this.#unlessFull(() => {
      const { log } = this.#storage.checkpoint(mode);
      this.#logFileBytes = mode === 'TRUNCATE' ? 0 : Math.max(this.#logFileBytes, log * FRAME_BYTES);
      this.#journalBytes = 0;
    });
  }

  /** A disk that is full leaves things as they are, with all that was committed; it is tried again later. */
  #unlessFull(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!isFull(error)) throw readable(error, this.#storage.folder);
    }
  }
}
