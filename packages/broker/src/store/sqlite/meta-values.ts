import type { Database, Statement } from 'better-sqlite3';
import { rowCrc } from './row-crc.ts';
import { prepareAll } from './statements.ts';

type Name =
  | 'clock_offset_ms'
  | 'clock_steady_ms'
  | 'last_delayed_id'
  | 'journal_segment'
  | 'journal_position'
  | 'log_restarts'
  | 'schema_crc';

/** Numbers that the database as a whole has. */
export class MetaValues {
  readonly #sql: Record<keyof typeof SQL, Statement>;

  constructor(database: Database) {
    this.#sql = prepareAll(database, SQL);
    this.#sql.get.pluck();
  }

  get(name: Name): number {
    return this.#sql.get.get(name) as number;
  }

  /** Within a transaction. */
  set(name: Name, value: number): void {
    this.#sql.set.run(value, rowCrc([name, value]), name);
  }
}

const SQL = {
  get: 'SELECT value FROM meta WHERE name = ?',
  set: 'UPDATE meta SET value = ?, crc = ? WHERE name = ?',
} as const;
