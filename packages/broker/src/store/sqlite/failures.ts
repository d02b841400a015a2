import type { Database, Statement } from 'better-sqlite3';
import type { ReadFailuresRequest, StoredFailure } from '../store.ts';
import type { CommitMeta } from './commit-record.ts';
import { FAILURE_ROW_IS_RIGHT } from './row-checks.ts';
import { rowCrc } from './row-crc.ts';
import { prepareAll } from './statements.ts';

/**
 * No row spans more sequence numbers, nor a multiple of it: who looks for a message knows where its rows begin. What is
 * longer is stored in pieces.
 */
const SPAN = 1024;

type CheckedRow = StoredFailure & { readonly isRight: number | null };

const DAMAGED = 'what was kept of this failure is damaged';

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
        const row = [groupId, start, end, attempt, at, cause, error];
        this.#sql.add.run(row, rowCrc(row));
        start = end + 1;
      }
    }
    for (const { groupId, through } of droppedFailures) this.#sql.drop.run(groupId, through, through);
  }

  read({ groupId, first, last }: ReadFailuresRequest): StoredFailure[] {
    const rows = this.#sql.read.all(groupId, first - (first % SPAN), last, first) as CheckedRow[];
    return rows.map(({ isRight, ...failure }) => (isRight === 1 ? failure : { ...failure, error: DAMAGED }));
  }
}

const SQL = {
  add:
    'INSERT INTO failures (group_id, first_seq, last_seq, attempt, at, cause, error, crc) ' +
    'VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
  drop: 'DELETE FROM failures WHERE group_id = ? AND first_seq <= ? AND last_seq <= ?',
  read:
    'SELECT group_id AS groupId, first_seq AS first, last_seq AS last, attempt, at, cause, error, ' +
    `(${FAILURE_ROW_IS_RIGHT}) AS isRight FROM failures ` +
    'WHERE group_id = ? AND first_seq BETWEEN ? AND ? AND last_seq >= ? ORDER BY id',
} as const;
