import type { Database, Statement } from 'better-sqlite3';
import type { ListDelayedRequest, ReadDelayedRequest } from '../store.ts';
import { DamagedRows, WRONG_ROW } from './damaged-rows.ts';
import type { DelayedRow, DelayedRows } from './messages.ts';
import { DELAYED_ROW_IS_RIGHT } from './row-checks.ts';
import { prepareAll } from './statements.ts';

interface Due {
  readonly id: number;
  readonly dueAt: number;
}

/** Reads delayed batches. */
export class DelayedReader {
  readonly #sql: Record<keyof typeof SQL, Statement>;

  constructor(database: Database) {
    this.#sql = prepareAll(database, SQL);
    this.#sql.next.pluck();
  }

  list({ streamId, after, limit }: ListDelayedRequest): DelayedRow[] {
    // The messages of a batch have the ids from the batch's own on.
    const before = this.#sql.before.get(streamId, after) as { id: number; count: number } | undefined;
    const from = before !== undefined && before.id + before.count - 1 > after ? before.id : after + 1;
    const rows = this.#sql.list.all(streamId, from, limit) as CheckedRow[];
    for (const row of rows) checkRow(row, row);
    return rows;
  }

  /** What is due by either clock: what has been due for longest comes first. */
  readDue({ wallMs, steadyMs, limit, bytesMax }: ReadDelayedRequest): DelayedRows {
    using wall = new DueRows(this.#sql.dueByWall, wallMs);
    using steady = new DueRows(this.#sql.dueBySteady, steadyMs);
    const due: DelayedRow[] = [];
    let bytes = 0;
    while (due.length < limit && bytes < bytesMax) {
      const rows = steady.isBefore(wall) ? steady : wall;
      if (rows.head === undefined) break;
      const row = this.#sql.get.get(rows.head.id) as CheckedRow;
      checkRow(row, rows.head);
      due.push(row);
      bytes += row.data.length;
      rows.advance();
    }
    const nextWallMs = wall.head?.dueAt ?? this.#next(0, wallMs);
    const nextSteadyMs = steady.head?.dueAt ?? this.#next(1, steadyMs);
    return {
      due,
      ...(nextWallMs !== undefined && { nextWallMs }),
      ...(nextSteadyMs !== undefined && { nextSteadyMs }),
    };
  }

  #next(isSteady: number, ms: number): number | undefined {
    return this.#sql.next.get(isSteady, ms) as number | undefined;
  }
}

type CheckedRow = DelayedRow & { readonly isRight: number | null };

/**
 * @param index what an index says of the row
 * @throws DamagedRows
 */
function checkRow(row: CheckedRow, { id, dueAt }: Due): void {
  if (row.isRight === 1 && row.dueAt === dueAt) return;
  throw new DamagedRows([{ delayedId: id, why: WRONG_ROW }]);
}

/** Walks what is due by one clock, in order. */
class DueRows {
  readonly #nowMs: number;
  readonly #rows: IterableIterator<Due>;
  /** The next, if there is one. */
  head: Due | undefined;

  constructor(statement: Statement, nowMs: number) {
    this.#nowMs = nowMs;
    this.#rows = statement.iterate(nowMs) as IterableIterator<Due>;
    this.advance();
  }

  advance(): void {
    const { value, done } = this.#rows.next();
    this.head = done === true ? undefined : value;
  }

  isBefore(other: DueRows): boolean {
    if (this.head === undefined || other.head === undefined) return this.head !== undefined;
    const by = this.#nowMs - this.head.dueAt - (other.#nowMs - other.head.dueAt);
    return by > 0 || (by === 0 && this.head.id < other.head.id);
  }

  [Symbol.dispose](): void {
    this.#rows.return?.();
  }
}

const ROW =
  'SELECT id, stream_id AS streamId, lane, is_steady AS isSteady, due_at AS dueAt, time, count, ' +
  `flags, data, (${DELAYED_ROW_IS_RIGHT}) AS isRight FROM delayed`;
// Those of a doomed stream are passed over; there are few doomed streams, and their delayed rows go first.
const DUE =
  'SELECT id, due_at AS dueAt FROM delayed WHERE is_steady = IS_STEADY AND due_at <= ? ' +
  'AND stream_id NOT IN (SELECT id FROM doomed_streams) ORDER BY due_at, id';

const SQL = {
  get: `${ROW} WHERE id = ?`,
  before: 'SELECT id, count FROM delayed WHERE stream_id = ? AND id <= ? ORDER BY id DESC LIMIT 1',
  list: `${ROW} WHERE stream_id = ? AND id >= ? ORDER BY id LIMIT ?`,
  // Two statements, since each can walk once at a time.
  dueByWall: DUE.replace('IS_STEADY', '0'),
  dueBySteady: DUE.replace('IS_STEADY', '1'),
  // Of a doomed stream too: a look in vain is all that it costs.
  next: 'SELECT due_at FROM delayed WHERE is_steady = ? AND due_at > ? ORDER BY due_at LIMIT 1',
};
