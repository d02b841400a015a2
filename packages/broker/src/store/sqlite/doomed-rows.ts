import type { Database, Statement } from 'better-sqlite3';
import { prepareAll } from './statements.ts';
import { StepSize } from './step-size.ts';

/** At the most in one step. */
const STEP_ROWS_MAX = 4_000;
/** For a statement with a limit. */
const ALL_ROWS = -1;

/** Streams, or groups. */
interface Kind {
  readonly first: Statement;
  readonly find: Statement;
  readonly forget: Statement;
  /** Each removes rows of one table, given an id and how many at the most. */
  readonly tables: readonly Statement[];
}

/**
 * What is deleted and may have millions of rows: what a start reads goes at once, the rest in steps between commits,
 * if need be after the next start.
 *
 * Invariant: rows without a stream or group are of one that is doomed, and nothing is created with the id of a doomed
 * one before its rows are gone.
 */
export class DoomedRows {
  readonly #sql: Record<keyof typeof SQL, Statement>;
  readonly #streams: Kind;
  readonly #groups: Kind;
  readonly #step: (rowsMax: number) => { rows: number; isMore: boolean };
  readonly #size = new StepSize(STEP_ROWS_MAX);

  constructor(database: Database) {
    this.#sql = prepareAll(database, SQL);
    // What could become due first.
    this.#streams = prepareKind(database, 'doomed_streams', 'stream_id', ['delayed', 'batches', 'dedup']);
    this.#groups = prepareKind(database, 'doomed_groups', 'group_id', ['windows', 'failures']);
    this.#step = database.transaction((rowsMax: number) => this.#remove(rowsMax)).immediate;
  }

  /** Deletes a stream with its groups; within a transaction. */
  addStream(id: number): void {
    const sql = this.#sql;
    sql.doomGroups.run(id);
    sql.deletePositionsOfStream.run(id);
    sql.deleteGroupsOfStream.run(id);
    sql.keepLastDelayedId.run(id);
    sql.deleteStream.run(id);
    sql.doomStream.run(id);
  }

  /** Deletes a group; within a transaction. */
  addGroup(id: number): void {
    const sql = this.#sql;
    sql.deletePositions.run(id);
    sql.deleteGroup.run(id);
    sql.doomGroup.run(id);
  }

  /** Nothing is left of an earlier stream of that id afterwards; within a transaction. */
  finishStream(id: number): void {
    if (this.#streams.find.get(id) !== undefined) finish(this.#streams, id, ALL_ROWS);
  }

  finishGroup(id: number): void {
    if (this.#groups.find.get(id) !== undefined) finish(this.#groups, id, ALL_ROWS);
  }

  /** Removes some rows, in a transaction of its own. */
  step(): { rows: number; isMore: boolean } {
    if (!this.#hasAny()) return { rows: 0, isMore: false };
    return this.#size.run(this.#step);
  }

  #hasAny(): boolean {
    return this.#streams.first.get() !== undefined || this.#groups.first.get() !== undefined;
  }

  #remove(rowsMax: number): { rows: number; isMore: boolean } {
    let rows = 0;
    for (const kind of [this.#streams, this.#groups]) {
      for (let id = kind.first.get(); id !== undefined; id = kind.first.get()) {
        // Also one without rows counts.
        rows += 1 + finish(kind, id as number, rowsMax - rows);
        if (rows >= rowsMax) return { rows, isMore: this.#hasAny() };
      }
    }
    return { rows, isMore: false };
  }
}

/** Removes rows of a doomed stream or group, and that it is doomed with the last. @returns how many went */
function finish({ tables, forget }: Kind, id: number, rowsMax: number): number {
  let rows = 0;
  for (const table of tables) {
    const left = rowsMax === ALL_ROWS ? ALL_ROWS : rowsMax - rows;
    const { changes } = table.run(id, left);
    rows += changes;
    if (changes === left) return rows;
  }
  forget.run(id);
  return rows;
}

function prepareKind(database: Database, doomed: string, column: string, tables: readonly string[]): Kind {
  return {
    first: database.prepare(`SELECT id FROM ${doomed} LIMIT 1`).pluck(),
    find: database.prepare(`SELECT id FROM ${doomed} WHERE id = ?`).pluck(),
    forget: database.prepare(`DELETE FROM ${doomed} WHERE id = ?`),
    tables: tables.map((table) => database.prepare(`DELETE FROM ${table} WHERE ${column} = ? LIMIT ?`)),
  };
}

const SQL = {
  doomStream: 'INSERT OR IGNORE INTO doomed_streams VALUES (?)',
  doomGroups: 'INSERT OR IGNORE INTO doomed_groups SELECT id FROM groups WHERE stream_id = ?',
  doomGroup: 'INSERT OR IGNORE INTO doomed_groups VALUES (?)',
  deletePositionsOfStream:
    'DELETE FROM positions WHERE group_id IN (SELECT id FROM groups WHERE stream_id = ?)',
  deletePositions: 'DELETE FROM positions WHERE group_id = ?',
  deleteGroupsOfStream: 'DELETE FROM groups WHERE stream_id = ?',
  deleteGroup: 'DELETE FROM groups WHERE id = ?',
  keepLastDelayedId:
    'UPDATE meta SET value = max(value, coalesce((SELECT last_delayed_id FROM streams WHERE id = ?), 0)) ' +
    "WHERE name = 'last_delayed_id'",
  deleteStream: 'DELETE FROM streams WHERE id = ?',
} as const;
