import type { Database, Statement } from 'better-sqlite3';
import { type CommitData, rowsOf } from './commit-data.ts';
import {
  type CommitMeta,
  DROPPED_WINDOW_COLUMNS,
  POSITION_COLUMNS,
  WINDOW_COLUMNS,
} from './commit-record.ts';
import { prepareAll } from './statements.ts';

/** Writes groups, their positions and their windows. */
export class GroupWriter {
  readonly #sql: Record<keyof typeof SQL, Statement>;

  constructor(database: Database) {
    this.#sql = prepareAll(database, SQL);
  }

  write(commit: CommitMeta, data: CommitData): void {
    const sql = this.#sql;
    for (const { id, streamId, name, createdAt, policy } of commit.groups ?? []) {
      sql.saveGroup.run(id, streamId, name, createdAt, JSON.stringify(policy));
    }
    for (const [groupId, lane, ackFloor, readPosition, ordinal] of rowsOf(
      commit.positions,
      POSITION_COLUMNS,
    )) {
      const { changes } = sql.updatePosition.run(ackFloor, readPosition, ordinal, groupId, lane);
      if (changes === 0) sql.createPosition.run(groupId, lane, ackFloor, readPosition, ordinal);
    }
    for (const row of rowsOf(commit.windows, WINDOW_COLUMNS)) {
      const length = row.pop()!;
      sql.saveWindow.run(row, data.take(length));
    }
    for (const row of rowsOf(commit.droppedWindows, DROPPED_WINDOW_COLUMNS)) sql.dropWindow.run(row);
  }
}

const SQL = {
  saveGroup:
    'INSERT INTO groups (id, stream_id, name, created_at, policy) VALUES (?, ?, ?, ?, ?) ' +
    'ON CONFLICT (id) DO UPDATE SET policy = excluded.policy',
  updatePosition:
    'UPDATE positions SET ack_floor = ?, read_position = ?, ordinal = ? WHERE group_id = ? AND lane = ?',
  createPosition:
    'INSERT INTO positions (group_id, lane, ack_floor, read_position, ordinal) VALUES (?, ?, ?, ?, ?)',
  saveWindow:
    'INSERT INTO windows (group_id, lane, window, format, state) VALUES (?, ?, ?, ?, ?) ' +
    'ON CONFLICT (group_id, lane, window) DO UPDATE SET format = excluded.format, state = excluded.state',
  dropWindow: 'DELETE FROM windows WHERE group_id = ? AND lane = ? AND window = ?',
} as const;
