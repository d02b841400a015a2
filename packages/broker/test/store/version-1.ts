import { join } from 'node:path';
import Database from 'better-sqlite3';
import { APPLICATION_ID, MIGRATIONS } from '../../src/store/sqlite/schema.ts';

/** Makes a database as version 1 did, with what `write` writes. */
export function makeVersion1(folder: string, write: (database: Database.Database) => void): void {
  const database = new Database(join(folder, 'simplemq.db'));
  database.pragma('page_size = 4096');
  database.pragma('journal_mode = WAL');
  database.exec(MIGRATIONS[0]!);
  database.pragma(`application_id = ${APPLICATION_ID}`);
  database.pragma('user_version = 1');
  write(database);
  database.close();
}
