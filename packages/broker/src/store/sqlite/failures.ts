import type { Database, Statement } from 'better-sqlite3';
import type { ReadFailuresRequest, StoredFailure } from '../store.ts';
import type { CommitMeta } from './commit-record.ts';
import { FAILURE_ROW_IS_RIGHT } from './row-checks.ts';
import { rowCrc } from './row-crc.ts';
import { prepareAll } from './statements.ts';
import { StepSize } from './step-size.ts';

/**
 * No row spans more sequence numbers, nor a multiple of it: who looks for a message knows where its rows begin. What is
 * longer is stored in pieces.
 */
const SPAN = 1024;

/** What of a group's failures one commit removes, at the most; there may be millions. The rest goes in steps. */
const COMMIT_ROWS_MAX = 1_000;
/** At the most in one step. */
const STEP_ROWS_MAX = 4_000;
const ALL_ROWS = -1;

/** Rows that lie wholly within go. */
export interface Dropped {
  readonly groupId: number;
  readonly first: number;
  readonly through: number;
}

type CheckedRow = StoredFailure & { readonly isRight: number | null };

const DAMAGED = 'what was kept of this failure is damaged';

/** How messages of groups failed. */
export class Failures {
  readonly #sql: Record<keyof typeof SQL, Statement>;
  /**
   * Of what rows may be left that nobody needs; after a start the first commits of their groups tell. To be put back when
   * what was written is not committed: those rows are needed still.
   */
  left: readonly Dropped[] = [];
  readonly #size = new StepSize(STEP_ROWS_MAX);

  constructor(database: Database) {
    this.#sql = prepareAll(database, SQL);
  }

  get hasLeft(): boolean {
    return this.left.length > 0;
  }

  /** Removes some rows; within a transaction. @returns how many */
  step(): number {
    return this.#size.run((rowsMax) => {
      let rows = 0;
      for (let next = this.left[0]; next !== undefined && rows < rowsMax; next = this.left[0]) {
        rows += this.#drop(next, rowsMax - rows);
        if (rows < rowsMax) this.left = this.left.slice(1);
      }
      return rows;
    });
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
    for (const { groupId, first = 0, through } of droppedFailures) {
      if (through === Number.MAX_SAFE_INTEGER) this.#forget(groupId);
      else this.#dropSome({ groupId, first, through });
    }
  }

  /** The group begins anew: nothing may be left that could be taken for the history of what comes. */
  #forget(groupId: number): void {
    this.left = this.left.filter((left) => left.groupId !== groupId);
    this.#drop({ groupId, first: 0, through: Number.MAX_SAFE_INTEGER }, ALL_ROWS);
  }

  #dropSome(dropped: Dropped): void {
    if (this.#drop(dropped, COMMIT_ROWS_MAX) < COMMIT_ROWS_MAX) return;
    this.left = [...this.left.filter((left) => !isWithin(left, dropped)), dropped];
  }

  #drop({ groupId, first, through }: Dropped, rowsMax: number): number {
    return this.#sql.drop.run(groupId, first, through, through, rowsMax).changes;
  }

  read({ groupId, first, last }: ReadFailuresRequest): StoredFailure[] {
    const rows = this.#sql.read.all(groupId, first - (first % SPAN), last, first) as CheckedRow[];
    return rows.map(({ isRight, ...failure }) => (isRight === 1 ? failure : { ...failure, error: DAMAGED }));
  }
}

function isWithin(a: Dropped, b: Dropped): boolean {
  return a.groupId === b.groupId && a.first >= b.first && a.through <= b.through;
}

const SQL = {
  add:
    'INSERT INTO failures (group_id, first_seq, last_seq, attempt, at, cause, error, crc) ' +
    'VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
  drop: 'DELETE FROM failures WHERE group_id = ? AND first_seq BETWEEN ? AND ? AND last_seq <= ? LIMIT ?',
  read:
    'SELECT group_id AS groupId, first_seq AS first, last_seq AS last, attempt, at, cause, error, ' +
    `(${FAILURE_ROW_IS_RIGHT}) AS isRight FROM failures ` +
    'WHERE group_id = ? AND first_seq BETWEEN ? AND ? AND last_seq >= ? ORDER BY id',
} as const;
