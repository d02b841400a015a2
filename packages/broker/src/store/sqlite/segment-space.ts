import type { Database, Statement } from 'better-sqlite3';
import { prepareAll } from './statements.ts';

/** How much of each segment of the journal is batches that a stream has. */
export class SegmentSpace {
  readonly #sql: Record<keyof typeof SQL, Statement>;

  constructor(database: Database) {
    this.#sql = prepareAll(database, SQL);
    this.#sql.total.pluck();
    this.#sql.get.pluck();
    this.#sql.used.pluck();
  }

  /** Within a transaction. */
  add(segment: number, bytes: number): void {
    this.#sql.add.run(segment, bytes, segment + bytes);
  }

  get totalBytes(): number {
    return this.#sql.total.get() as number;
  }

  /** Those in which a stream has batches. */
  get usedSegments(): Set<number> {
    return new Set(this.#sql.used.all() as number[]);
  }

  bytesOf(segment: number): number {
    return (this.#sql.get.get(segment) as number | undefined) ?? 0;
  }

  forget(segment: number): void {
    this.#sql.forget.run(segment);
  }
}

const SQL = {
  add:
    'INSERT INTO segments (id, bytes, total) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET ' +
    'bytes = bytes + excluded.bytes, total = total + excluded.bytes',
  total: 'SELECT coalesce(sum(bytes), 0) FROM segments',
  // One of which that is not known is not given back.
  used: 'SELECT id FROM segments WHERE bytes > 0 OR total IS NOT id + bytes ORDER BY id',
  get: 'SELECT bytes FROM segments WHERE id = ?',
  forget: 'DELETE FROM segments WHERE id = ?',
} as const;
