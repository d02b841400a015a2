import type { Database, Statement } from 'better-sqlite3';
import type { Journal, Place } from '../journal/journal.ts';
import { MetaValues } from './meta-values.ts';
import { prepareAll } from './statements.ts';

/** What a start after a crash reads of the journal again is at most about so much. */
const COMMITS_MAX = 500;
const BYTES_MAX = 16 * 1024 * 1024;

/**
 * The database follows the journal: what a commit changes is written in one transaction that stays open over many
 * commits, and reads on the same connection see it. How far it has come is part of it.
 *
 * Invariant: what the database has committed is what the journal says up to a place, which the database names.
 */
export class IndexTransaction {
  readonly #database: Database;
  readonly #journal: Journal;
  readonly #meta: MetaValues;
  readonly #sql: Record<keyof typeof SQL, Statement>;
  #isOpen = false;
  #commits = 0;
  #bytes = 0;

  constructor(database: Database, journal: Journal) {
    this.#database = database;
    this.#journal = journal;
    this.#sql = prepareAll(database, SQL);
    this.#meta = new MetaValues(database);
  }

  /** How far the database has come, as committed or as open. */
  get place(): Place {
    return { segment: this.#meta.get('journal_segment'), position: this.#meta.get('journal_position') };
  }

  /** Whether SQLite gave up what was not committed yet, as it does for want of room. */
  get isLost(): boolean {
    return this.#isOpen && !this.#database.inTransaction;
  }

  /** Runs a part of the transaction, whole or not at all. */
  run<T>(part: () => T): T {
    this.#mustNotBeLost();
    if (!this.#isOpen) {
      this.#sql.begin.run();
      this.#isOpen = true;
      this.#commits = 0;
      this.#bytes = 0;
    }
    this.#sql.save.run();
    try {
      const result = part();
      this.#sql.release.run();
      return result;
    } catch (error) {
      if (this.#database.inTransaction) {
        this.#sql.undo.run();
        this.#sql.release.run();
      }
      throw error;
    }
  }

  /** A commit of so many bytes is in the journal and in the transaction. @returns whether it is time to commit that */
  followed(bytes: number): boolean {
    this.#commits++;
    this.#bytes += bytes;
    return this.#commits >= COMMITS_MAX || this.#bytes >= BYTES_MAX;
  }

  /** Commits what is open; a checkpoint makes it durable. */
  commit(): void {
    if (!this.#isOpen) return;
    this.#mustNotBeLost();
    const { segment, position } = this.#journal.end;
    this.#meta.set('journal_segment', segment);
    this.#meta.set('journal_position', position);
    this.#sql.commit.run();
    this.#isOpen = false;
  }

  /** What was lost is to be brought in again. */
  begin(): void {
    this.#isOpen = false;
  }

  /** A place that is committed without what came before it would be a loss. */
  #mustNotBeLost(): void {
    if (this.isLost) throw new Error('what the database had of the journal was rolled back');
  }
}

const SQL = {
  begin: 'BEGIN IMMEDIATE',
  commit: 'COMMIT',
  save: 'SAVEPOINT part',
  release: 'RELEASE part',
  undo: 'ROLLBACK TO part',
} as const;
