import type { Database, Statement } from 'better-sqlite3';
import { prepareAll } from './statements.ts';

/** How much of each segment of the journal is batches that a stream has. */
export class SegmentSpace {
  readonly #sql: Record<keyof typeof SQL, Statement>;

  constructor(database: Database) {
    this.#sql = prepareAll(database, SQL);
    this.#sql.total.pluck();
    this.#sql.get.pluck();
    this.#sql.ids.pluck();
  }

  /** Within a transaction. */
  add(segment: number, bytes: number): void {
    this.#sql.add.run(segment, bytes);
  }

  get totalBytes(): number {
    return this.#sql.total.get() as number;
  }

  get ids(): number[] {
    return this.#sql.ids.all() as number[];
  }

  bytesOf(segment: number): number {
    return (this.#sql.get.get(segment) as number | undefined) ?? 0;
  }

  forget(segment: number): void {
    this.#sql.forget.run(segment);
  }
}

const SQL = {
  add: 'INSERT INTO segments VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET bytes = bytes + excluded.bytes',
  total: 'SELECT coalesce(sum(bytes), 0) FROM segments',
  ids: 'SELECT id FROM segments',
  get: 'SELECT bytes FROM segments WHERE id = ?',
  forget: 'DELETE FROM segments WHERE id = ?',
} as const;
