import type { Database, Statement } from 'better-sqlite3';
import { MetaValues } from './meta-values.ts';
import { BATCH_ROW_IS_RIGHT, DAMAGED_ROW_IS_RIGHT } from './row-checks.ts';
import type { SegmentSpace } from './segment-space.ts';
import { prepareAll } from './statements.ts';
import { StepSize } from './step-size.ts';

/** At the most in one step. */
const STEP_ROWS_MAX = 4_000;
/** For a statement with a limit. */
const ALL_ROWS = -1;

/** What a row had of the journal, if it had something there. */
interface Gone {
  readonly segment: number | null;
  readonly length: number;
  /** Of one that is damaged it is not known. */
  readonly isRight: number | null;
}

/** Streams, or groups. */
interface Kind {
  readonly first: Statement;
  readonly find: Statement;
  readonly forget: Statement;
  /** Each removes rows of one table, and tells how many. */
  readonly tables: readonly ((id: number, rowsMax: number) => number)[];
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
  readonly #space: SegmentSpace;
  readonly #meta: MetaValues;
  readonly #streams: Kind;
  readonly #groups: Kind;
  readonly #size = new StepSize(STEP_ROWS_MAX);

  constructor(database: Database, space: SegmentSpace) {
    this.#sql = prepareAll(database, SQL);
    this.#space = space;
    this.#meta = new MetaValues(database);
    this.#sql.lastDelayedId.pluck();
    const from = (table: string, column: string) => removeFrom(database, table, column);
    this.#streams = prepareKind(database, 'doomed_streams', [
      // What could become due goes first.
      from('delayed', 'stream_id'),
      (id, rowsMax) => this.#removeBatches(id, rowsMax),
      from('dedup', 'stream_id'),
      (id, rowsMax) => this.#release(this.#sql.removeDamaged.all(id, rowsMax) as Gone[]),
    ]);
    this.#groups = prepareKind(database, 'doomed_groups', [
      from('windows', 'group_id'),
      from('failures', 'group_id'),
    ]);
  }

  /** Deletes a stream with its groups; within a transaction. */
  addStream(id: number): void {
    const sql = this.#sql;
    sql.doomGroups.run(id);
    sql.deletePositionsOfStream.run(id);
    sql.deleteGroupsOfStream.run(id);
    const lastDelayedId = (sql.lastDelayedId.get(id) as number | undefined) ?? 0;
    if (lastDelayedId > this.#meta.get('last_delayed_id')) this.#meta.set('last_delayed_id', lastDelayedId);
    sql.deleteStream.run(id);
    sql.doomStream.run({ id });
  }

  /** Deletes a group; within a transaction. */
  addGroup(id: number): void {
    const sql = this.#sql;
    sql.deletePositions.run(id);
    sql.deleteGroup.run(id);
    sql.doomGroup.run({ id });
  }

  /** Nothing is left of an earlier stream of that id afterwards; within a transaction. */
  finishStream(id: number): void {
    if (this.#streams.find.get(id) !== undefined) finish(this.#streams, id, ALL_ROWS);
  }

  finishGroup(id: number): void {
    if (this.#groups.find.get(id) !== undefined) finish(this.#groups, id, ALL_ROWS);
  }

  /** Removes some rows; within a transaction. */
  step(): { rows: number; isMore: boolean } {
    return this.#size.run((rowsMax) => this.#remove(rowsMax));
  }

  get hasAny(): boolean {
    return this.#streams.first.get() !== undefined || this.#groups.first.get() !== undefined;
  }

  #removeBatches(id: number, rowsMax: number): number {
    return this.#release(this.#sql.removeBatches.all(id, rowsMax) as Gone[]);
  }

  /** Nobody has any more what these rows had of the journal. @returns how many rows there are */
  #release(gone: readonly Gone[]): number {
    const released = new Map<number, number>();
    for (const { segment, length, isRight } of gone) {
      if (segment !== null && isRight === 1) released.set(segment, (released.get(segment) ?? 0) + length);
    }
    for (const [segment, bytes] of released) this.#space.add(segment, -bytes);
    return gone.length;
  }

  #remove(rowsMax: number): { rows: number; isMore: boolean } {
    let rows = 0;
    for (const kind of [this.#streams, this.#groups]) {
      for (let id = kind.first.get(); id !== undefined; id = kind.first.get()) {
        // Also one without rows counts.
        rows += 1 + finish(kind, id as number, rowsMax - rows);
        if (rows >= rowsMax) return { rows, isMore: this.hasAny };
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
    const removed = table(id, left);
    rows += removed;
    if (removed === left) return rows;
  }
  forget.run(id);
  return rows;
}

function prepareKind(database: Database, doomed: string, tables: Kind['tables']): Kind {
  return {
    first: database.prepare(`SELECT id FROM ${doomed} LIMIT 1`).pluck(),
    find: database.prepare(`SELECT id FROM ${doomed} WHERE id = ?`).pluck(),
    forget: database.prepare(`DELETE FROM ${doomed} WHERE id = ?`),
    tables,
  };
}

function removeFrom(database: Database, table: string, column: string): Kind['tables'][number] {
  const remove = database.prepare(`DELETE FROM ${table} WHERE ${column} = ? LIMIT ?`);
  return (id, rowsMax) => remove.run(id, rowsMax).changes;
}

const SQL = {
  removeBatches: `DELETE FROM batches WHERE stream_id = ? RETURNING segment, length, (${BATCH_ROW_IS_RIGHT}) AS isRight LIMIT ?`,
  removeDamaged: `DELETE FROM damaged WHERE stream_id = ? RETURNING segment, length, (${DAMAGED_ROW_IS_RIGHT}) AS isRight LIMIT ?`,
  doomStream: 'INSERT OR IGNORE INTO doomed_streams (id, crc) VALUES (@id, row_crc(@id))',
  doomGroups:
    'INSERT OR IGNORE INTO doomed_groups (id, crc) SELECT id, row_crc(id) FROM groups WHERE stream_id = ?',
  doomGroup: 'INSERT OR IGNORE INTO doomed_groups (id, crc) VALUES (@id, row_crc(@id))',
  deletePositionsOfStream:
    'DELETE FROM positions WHERE group_id IN (SELECT id FROM groups WHERE stream_id = ?)',
  deletePositions: 'DELETE FROM positions WHERE group_id = ?',
  deleteGroupsOfStream: 'DELETE FROM groups WHERE stream_id = ?',
  deleteGroup: 'DELETE FROM groups WHERE id = ?',
  lastDelayedId: 'SELECT last_delayed_id FROM streams WHERE id = ?',
  deleteStream: 'DELETE FROM streams WHERE id = ?',
} as const;
