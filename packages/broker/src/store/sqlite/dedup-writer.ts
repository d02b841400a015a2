import type { Database, Statement } from 'better-sqlite3';
import { type CommitData, rowsOf } from './commit-data.ts';
import { type CommitMeta, DEDUP_COLUMNS } from './commit-record.ts';
import { prepareAll } from './statements.ts';

/** Ids that came within this time share rows, so they may be kept for that much longer; in ms. */
const SLOT_MS = 100;
/**
 * A row takes more until it has this many bytes: a page is written as a whole anyway, and rows of one id each would make
 * a start slow when there are millions of them.
 */
const ROW_BYTES = 1024;

/** Writes message ids. */
export class DedupWriter {
  readonly #sql: Record<keyof typeof SQL, Statement>;

  constructor(database: Database) {
    this.#sql = prepareAll(database, SQL);
  }

  write({ dedup, droppedDedup = [] }: CommitMeta, data: CommitData): void {
    for (const [streamId, time, length] of rowsOf(dedup, DEDUP_COLUMNS)) {
      const slot = Math.ceil(time! / SLOT_MS) * SLOT_MS;
      this.#sql.add.run({ streamId, slot, ids: data.take(length!), full: ROW_BYTES });
    }
    for (const { streamId, before } of droppedDedup) this.#sql.drop.run(streamId, before);
  }
}

// Bytes put together with || are text to SQLite, with every byte as it was.
const SQL = {
  add:
    'INSERT INTO dedup (stream_id, time, chunk, ids, crc) SELECT @streamId, @slot, chunk, @ids, ' +
    'row_crc(@streamId, @slot, chunk, @ids) FROM (SELECT coalesce((SELECT chunk + (length(ids) >= @full) FROM dedup ' +
    'WHERE stream_id = @streamId AND time = @slot ORDER BY chunk DESC LIMIT 1), 0) AS chunk) WHERE true ' +
    'ON CONFLICT DO UPDATE SET ids = CAST(ids || excluded.ids AS BLOB), crc = longer_crc(crc, excluded.ids)',
  drop: 'DELETE FROM dedup WHERE stream_id = ? AND time < ?',
} as const;
