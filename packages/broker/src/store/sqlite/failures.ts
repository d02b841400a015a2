import type { Database, Statement } from 'better-sqlite3';
import type { ReadFailuresRequest, StoredFailure } from '../store.ts';
import type { CommitMeta } from './commit-record.ts';
import { prepareAll } from './statements.ts';

/**
 * No row spans more sequence numbers, nor a multiple of it: who looks for a message knows where its rows begin. What is
 * longer is stored in pieces.
 */
const SPAN = 1024;

/** How messages of groups failed. */
export class Failures {
  readonly #sql: Record<keyof typeof SQL, Statement>;

  constructor(database: Database) {
    this.#sql = prepareAll(database, SQL);
  }

  write({ failures = [], droppedFailures = [] }: CommitMeta): void {
    for (const { groupId, first, last, attempt, at, cause, error } of failures) {
      for (let start = first; start <= last; ) {
        const end = Math.min(last, start - (start % SPAN) + SPAN - 1);
        this.#sql.add.run(groupId, start, end, attempt, at, cause, error);
        start = end + 1;
      }
    }
    for (const { groupId, through } of droppedFailures) this.#sql.drop.run(groupId, through, through);
  }

  read({ groupId, first, last }: ReadFailuresRequest): StoredFailure[] {
    return this.#sql.read.all(groupId, first - (first % SPAN), last, first) as StoredFailure[];
  }
}

const SQL = {
  add: 'INSERT INTO failures (group_id, first_seq, last_seq, attempt, at, cause, error) VALUES (?, ?, ?, ?, ?, ?, ?)',
  drop: 'DELETE FROM failures WHERE group_id = ? AND first_seq <= ? AND last_seq <= ?',
  read:
    'SELECT group_id AS groupId, first_seq AS first, last_seq AS last, attempt, at, cause, error FROM failures ' +
    'WHERE group_id = ? AND first_seq BETWEEN ? AND ? AND last_seq >= ? ORDER BY id',
} as const;
