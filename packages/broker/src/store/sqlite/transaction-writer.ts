import type { Database, Statement } from 'better-sqlite3';
import { BATCH_COLUMNS, type CommitMessage } from './messages.ts';

type Removed = { streamId: number; bytes: number };

/** What a commit did to the size of things, for the scheduling of checkpoints. */
export interface Written {
  readonly removed: Removed[];
  readonly bytesAdded: number;
  readonly bytesRemoved: number;
}

/** Applies transactions, each whole or not at all, and durable when `apply` returns. */
export class TransactionWriter {
  readonly #apply: (commit: CommitMessage) => Written;
  readonly #statements: ReturnType<typeof prepare>;

  constructor(database: Database) {
    this.#statements = prepare(database);
    this.#apply = database.transaction((commit: CommitMessage) => this.#write(commit)).immediate;
  }

  /** @throws SqliteError; nothing of the commit was applied */
  apply(commit: CommitMessage): Written {
    return this.#apply(commit);
  }

  #write(commit: CommitMessage): Written {
    const sql = this.#statements;
    for (const id of commit.deletedStreams ?? []) this.#deleteStream(id);
    for (const { id, name, options, createdAt, nextSequence } of commit.createdStreams ?? []) {
      sql.createStream.run(id, name, JSON.stringify(options), createdAt, nextSequence);
    }
    const added = this.#writeBatches(commit);
    const removed = this.#remove(commit);
    const freed = new Map(removed.map(({ streamId, bytes }) => [streamId, bytes]));
    for (const { id, nextSequence, messages } of commit.streams ?? []) {
      sql.updateStream.run(nextSequence, messages, (added.get(id) ?? 0) - (freed.get(id) ?? 0), id);
    }
    this.#writeGroups(commit);
    for (const { id, usedAt, receipts } of commit.producers ?? []) {
      sql.saveProducer.run(Buffer.from(id, 'hex'), usedAt, receipts);
    }
    for (const id of commit.forgottenProducers ?? []) sql.forgetProducer.run(Buffer.from(id, 'hex'));
    return { removed, bytesAdded: commit.data.byteLength, bytesRemoved: sum(freed.values()) };
  }

  /** @returns the bytes added to each stream */
  #writeBatches({ data, places }: CommitMessage): Map<number, number> {
    const added = new Map<number, number>();
    let offset = 0;
    for (let i = 0; i < places.length; i += BATCH_COLUMNS) {
      const streamId = places[i]!;
      const bytes = places[i + 3]!;
      const length = places[i + 5]!;
      const row = Buffer.from(data, offset, length);
      this.#statements.insertBatch.run(streamId, places[i + 1], places[i + 2], bytes, places[i + 4], row);
      offset += length;
      added.set(streamId, (added.get(streamId) ?? 0) + bytes);
    }
    return added;
  }

  #remove({ removals = [] }: CommitMessage): Removed[] {
    const removed = new Map<number, number>();
    for (const { streamId, first, last } of removals) {
      const gone = this.#statements.removeBatches.all(streamId, first, last, last) as number[];
      removed.set(streamId, (removed.get(streamId) ?? 0) + sum(gone));
    }
    return [...removed].map(([streamId, bytes]) => ({ streamId, bytes }));
  }

  #writeGroups({ groups = [], windows = [], droppedWindows = [] }: CommitMessage): void {
    const sql = this.#statements;
    for (const { id, streamId, name, createdAt, ackFloor, readPosition } of groups) {
      if (sql.updatePosition.run(ackFloor, readPosition, id).changes > 0) continue;
      sql.createGroup.run(id, streamId, name, createdAt);
      sql.createPosition.run(id, ackFloor, readPosition);
    }
    for (const { groupId, window, state } of windows) sql.saveWindow.run(groupId, window, state);
    for (const { groupId, window } of droppedWindows) sql.dropWindow.run(groupId, window);
  }

  #deleteStream(id: number): void {
    const sql = this.#statements;
    sql.deleteBatches.run(id);
    sql.deleteWindows.run(id);
    sql.deletePositions.run(id);
    sql.deleteGroups.run(id);
    sql.deleteStream.run(id);
  }
}

function prepare(database: Database): Record<StatementName, Statement> {
  const statements = Object.entries(SQL).map(([name, sql]) => [name, database.prepare(sql)] as const);
  const prepared = Object.fromEntries(statements) as Record<StatementName, Statement>;
  prepared.removeBatches.pluck();
  return prepared;
}

type StatementName = keyof typeof SQL;

const SQL = {
  createStream:
    'INSERT INTO streams (id, name, options, created_at, next_sequence, messages, bytes) VALUES (?, ?, ?, ?, ?, 0, 0)',
  updateStream: 'UPDATE streams SET next_sequence = ?, messages = ?, bytes = bytes + ? WHERE id = ?',
  insertBatch:
    'INSERT INTO batches (stream_id, first_seq, count, bytes, time, data) VALUES (?, ?, ?, ?, ?, ?)',
  removeBatches:
    'DELETE FROM batches WHERE stream_id = ? AND lane = 0 AND first_seq BETWEEN ? AND ? ' +
    'AND first_seq + count - 1 <= ? RETURNING bytes',
  updatePosition: 'UPDATE positions SET ack_floor = ?, read_position = ? WHERE group_id = ? AND lane = 0',
  createGroup: 'INSERT INTO groups (id, stream_id, name, created_at) VALUES (?, ?, ?, ?)',
  createPosition: 'INSERT INTO positions (group_id, ack_floor, read_position) VALUES (?, ?, ?)',
  saveWindow:
    'INSERT INTO windows (group_id, window, state) VALUES (?, ?, ?) ' +
    'ON CONFLICT (group_id, lane, window) DO UPDATE SET state = excluded.state',
  dropWindow: 'DELETE FROM windows WHERE group_id = ? AND lane = 0 AND window = ?',
  deleteBatches: 'DELETE FROM batches WHERE stream_id = ?',
  deleteWindows: 'DELETE FROM windows WHERE group_id IN (SELECT id FROM groups WHERE stream_id = ?)',
  deletePositions: 'DELETE FROM positions WHERE group_id IN (SELECT id FROM groups WHERE stream_id = ?)',
  deleteGroups: 'DELETE FROM groups WHERE stream_id = ?',
  deleteStream: 'DELETE FROM streams WHERE id = ?',
  saveProducer:
    'INSERT INTO producers (id, used_at, receipts) VALUES (?, ?, ?) ' +
    'ON CONFLICT (id) DO UPDATE SET used_at = excluded.used_at, receipts = excluded.receipts',
  forgetProducer: 'DELETE FROM producers WHERE id = ?',
} as const;

function sum(numbers: Iterable<number>): number {
  let total = 0;
  for (const number of numbers) total += number;
  return total;
}
