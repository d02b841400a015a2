import type { Database, Statement } from 'better-sqlite3';
import { type CommitData, rowsOf } from './commit-data.ts';
import {
  type CommitMeta,
  DROPPED_WINDOW_COLUMNS,
  POSITION_COLUMNS,
  WINDOW_COLUMNS,
} from './commit-record.ts';
import { rowCrc } from './row-crc.ts';
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
      const row = [id, streamId, name, createdAt, JSON.stringify(policy)];
      sql.saveGroup.run(row, rowCrc(row));
    }
    for (const row of rowsOf(commit.positions, POSITION_COLUMNS)) {
      const crc = rowCrc(row);
      const [groupId, lane, ackFloor, readPosition, ordinal] = row;
      const { changes } = sql.updatePosition.run(ackFloor, readPosition, ordinal, crc, groupId, lane);
      if (changes === 0) sql.createPosition.run(row, crc);
    }
    for (const row of rowsOf(commit.windows, WINDOW_COLUMNS)) {
      const length = row.pop()!;
      const state = data.take(length);
      sql.saveWindow.run(row, state, rowCrc([...row, state]));
    }
    for (const row of rowsOf(commit.droppedWindows, DROPPED_WINDOW_COLUMNS)) sql.dropWindow.run(row);
  }
}

const SQL = {
  saveGroup:
    'INSERT INTO groups (id, stream_id, name, created_at, policy, crc) VALUES (?, ?, ?, ?, ?, ?) ' +
    'ON CONFLICT (id) DO UPDATE SET policy = excluded.policy, crc = excluded.crc',
  updatePosition:
    'UPDATE positions SET ack_floor = ?, read_position = ?, ordinal = ?, crc = ? WHERE group_id = ? AND lane = ?',
  createPosition:
    'INSERT INTO positions (group_id, lane, ack_floor, read_position, ordinal, crc) VALUES (?, ?, ?, ?, ?, ?)',
  saveWindow:
    'INSERT INTO windows (group_id, lane, window, format, state, crc) VALUES (?, ?, ?, ?, ?, ?) ' +
    'ON CONFLICT (group_id, lane, window) DO UPDATE SET format = excluded.format, state = excluded.state, ' +
    'crc = excluded.crc',
  dropWindow: 'DELETE FROM windows WHERE group_id = ? AND lane = ? AND window = ?',
} as const;
