import type { Database, Statement } from 'better-sqlite3';
import type { BatchRow } from './messages.ts';

/** Reads runs of batches in order. */
export class BatchReader {
  readonly #before: Statement;
  readonly #run: Statement;

  constructor(database: Database) {
    this.#before = database.prepare(
      'SELECT first_seq AS first, count FROM batches WHERE stream_id = ? AND lane = 0 AND first_seq <= ? ' +
        'ORDER BY first_seq DESC LIMIT 1',
    );
    this.#run = database.prepare(
      'SELECT first_seq AS first, time, data FROM batches WHERE stream_id = ? AND lane = 0 AND first_seq >= ? ' +
        'ORDER BY first_seq',
    );
  }

  /** From the batch that holds `from`, or the first after it, until `bytesMax` is reached; one at least. */
  read(streamId: number, from: number, bytesMax: number): BatchRow[] {
    const before = this.#before.get(streamId, from) as { first: number; count: number } | undefined;
    const holds = before !== undefined && before.first + before.count > from;
    const rows: BatchRow[] = [];
    let bytes = 0;
    for (const row of this.#run.iterate(
      streamId,
      holds ? before.first : from,
    ) as IterableIterator<BatchRow>) {
      rows.push(row);
      bytes += row.data.length;
      if (bytes >= bytesMax) break;
    }
    return rows;
  }
}
