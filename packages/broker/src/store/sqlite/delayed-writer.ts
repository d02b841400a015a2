import { batchFlagsOf } from '@simplemq/protocol';
import type { Database, Statement } from 'better-sqlite3';
import { type CommitData, rowsOf } from './commit-data.ts';
import { type CommitMeta, DELAYED_COLUMNS } from './commit-record.ts';
import { rowCrc } from './row-crc.ts';
import { prepareAll } from './statements.ts';

/** What becomes of the delayed rows of one stream. */
interface Change {
  messages: number;
  bytes: number;
  lastId: number;
}

type Gone = { streamId: number; count: number; bytes: number } | undefined;

/**
 * Writes delayed batches, and keeps in each stream's row what it has of them.
 *
 * An id that is removed and added at once is a batch of which a part was taken out: the row that was there goes. A
 * removal of an id that was not there is of the row that comes with it.
 */
export class DelayedWriter {
  readonly #sql: Record<keyof typeof SQL, Statement>;

  constructor(database: Database) {
    this.#sql = prepareAll(database, SQL);
  }

  write({ delayed, removedDelayed = [] }: CommitMeta, data: CommitData): void {
    if (delayed === undefined && removedDelayed.length === 0) return;
    const changes = new Map<number, Change>();
    const missing = this.#remove(removedDelayed, changes);
    for (const row of rowsOf(delayed, DELAYED_COLUMNS)) {
      const length = row.pop()!;
      const batch = data.take(length);
      row.push(batchFlagsOf(batch));
      this.#sql.insert.run(row, rowCrc(row), batch);
      const [id, streamId, , , , count, bytes] = row;
      // Its messages have the ids from its own on.
      addChange(changes, streamId!, count!, bytes!, id! + count! - 1);
    }
    if (delayed !== undefined) this.#remove(missing, changes);
    for (const [streamId, { messages, bytes, lastId }] of changes) {
      this.#sql.updateStream.run({ messages, bytes, lastId, streamId });
    }
  }

  /** @returns the ids that were not there */
  #remove(ids: readonly number[], changes: Map<number, Change>): number[] {
    return ids.filter((id) => {
      const gone = this.#sql.remove.get(id) as Gone;
      if (gone !== undefined) addChange(changes, gone.streamId, -gone.count, -gone.bytes, 0);
      return gone === undefined;
    });
  }
}

const SQL = {
  insert:
    'INSERT INTO delayed (id, stream_id, lane, is_steady, due_at, count, bytes, time, flags, crc, data) ' +
    'VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
  remove: 'DELETE FROM delayed WHERE id = ? RETURNING stream_id AS streamId, count, bytes',
  updateStream:
    'UPDATE streams SET delayed = delayed + @messages, delayed_bytes = delayed_bytes + @bytes, ' +
    'last_delayed_id = max(last_delayed_id, @lastId), total = total + @messages + @bytes + ' +
    'max(last_delayed_id, @lastId) - last_delayed_id WHERE id = @streamId',
} as const;

function addChange(
  changes: Map<number, Change>,
  streamId: number,
  messages: number,
  bytes: number,
  lastId: number,
): void {
  const known = changes.get(streamId);
  if (known === undefined) {
    changes.set(streamId, { messages, bytes, lastId });
    return;
  }
  known.messages += messages;
  known.bytes += bytes;
  known.lastId = Math.max(known.lastId, lastId);
}
