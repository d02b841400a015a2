import Database from 'better-sqlite3';
import { DamageError, isDamage } from './damage-error.ts';
import { makeDatabaseFile, prepareDataFolder } from './data-folder.ts';
import { MetaValues } from './meta-values.ts';
import { findDamageAtStart, schemaCrcOf } from './row-checks.ts';
import { addCrcFunctions } from './row-crc.ts';
import { APPLICATION_ID, MIGRATIONS } from './schema.ts';

export const PAGE_BYTES = 4096;
/** The file of SQLite's log is kept up to this size; only a transaction that is large by itself makes it longer. */
export const LOG_FILE_BYTES_MAX: number = 8 * 1024 * 1024;
/** Of the database, past the limit that is set for messages: acks, failures, and where messages are that only moved. */
const BESIDE_BYTES = 64 * 1024 * 1024;
const PAGE_CACHE_KIB = 16_000;
const SYNCHRONOUS_NORMAL = 1;
const AUTO_VACUUM_INCREMENTAL = 2;
/** What is rewritten at the start, in some tenths of a second. */
const RESHAPE_BYTES_MAX = 32 * 1024 * 1024;

export interface DatabaseOptions {
  readonly folder: string;
  readonly bytesMax?: number;
}

/**
 * Opens the database of a data folder for this process alone, at the newest version of the schema.
 *
 * The lock is SQLite's own: in exclusive locking mode the first read takes it, and the operating system gives it back
 * however the process ends.
 *
 * @throws Error with one line for people
 */
export function openDatabase({ folder, bytesMax }: DatabaseOptions): Database.Database {
  const file = prepareDataFolder(folder);
  const database = open(file);
  try {
    addCrcFunctions(database);
    database.pragma(`page_size = ${PAGE_BYTES}`);
    database.pragma('locking_mode = EXCLUSIVE');
    // Where pages can be given back is told by the first that is written.
    if (database.pragma('page_count', { simple: true }) === 0) database.pragma('auto_vacuum = INCREMENTAL');
    setDurability(database);
    database.pragma(`journal_size_limit = ${LOG_FILE_BYTES_MAX}`);
    database.pragma(`cache_size = -${PAGE_CACHE_KIB}`);
    database.pragma('temp_store = MEMORY');
    migrate(database);
    checkAtStart(database, file, folder);
    reshapeAtStart(database);
    if (bytesMax !== undefined)
      database.pragma(`max_page_count = ${Math.floor((bytesMax + BESIDE_BYTES) / PAGE_BYTES)}`);
    return database;
  } catch (cause) {
    database.close();
    if ((cause as { code?: string }).code?.startsWith('SQLITE_BUSY')) {
      throw new Error(
        `the data folder '${folder}' is in use by another broker; stop it, or use another folder`,
        {
          cause,
        },
      );
    }
    if (cause instanceof DamageError) throw cause;
    if (isDamage(cause) || isUnexpected(cause)) throw damagedFile(file, folder, cause);
    throw new Error(`the database '${file}' cannot be opened: ${(cause as Error).message}`, { cause });
  }
}

/** What is asked is right when the tables are what they should be. */
function isUnexpected(error: unknown): boolean {
  const { code = '' } = error as { code?: string };
  return code === 'SQLITE_ERROR' || code.startsWith('SQLITE_CONSTRAINT');
}

function damagedFile(file: string, folder: string, cause: unknown): DamageError {
  return new DamageError(`the database '${file}' is damaged (${(cause as Error).message})`, folder, {
    cause,
  });
}

/** @throws DamageError when something that a start goes by is not as it was written */
function checkAtStart(database: Database.Database, file: string, folder: string): void {
  const damage = findDamageAtStart(database);
  if (damage === undefined) return;
  const where = damage.table === '' ? '' : `, table ${damage.table}`;
  throw new DamageError(`the database '${file}' is damaged${where}: ${damage.row}`, folder);
}

function open(file: string): Database.Database {
  try {
    makeDatabaseFile(file);
    return new Database(file, { timeout: 0 });
  } catch (cause) {
    throw new Error(`the database '${file}' cannot be opened: ${(cause as Error).message}`, { cause });
  }
}

/**
 * NORMAL syncs the write-ahead log before what is in it goes to the database file, and not at each commit: what the
 * database loses in a power cut it gets from the journal again, but it may never be torn. `synchronous` is set on each
 * open and read back.
 */
function setDurability(database: Database.Database): void {
  const mode = database.pragma('journal_mode = WAL', { simple: true });
  if (mode !== 'wal')
    throw new Error(`the file system does not take a write-ahead log (journal mode ${mode})`);
  database.pragma('synchronous = NORMAL');
  const synchronous = database.pragma('synchronous', { simple: true });
  if (synchronous !== SYNCHRONOUS_NORMAL)
    throw new Error(`synchronous is ${synchronous}, and NORMAL was asked for`);
  database.pragma('wal_autocheckpoint = 0');
}

function migrate(database: Database.Database): void {
  const version = database.pragma('user_version', { simple: true }) as number;
  if (version === MIGRATIONS.length) return;
  database.transaction(() => {
    for (const migration of MIGRATIONS.slice(version)) database.exec(migration);
    new MetaValues(database).set('schema_crc', schemaCrcOf(database));
    database.pragma(`application_id = ${APPLICATION_ID}`);
    database.pragma(`user_version = ${MIGRATIONS.length}`);
  })();
  // From the log into the file's header, where the next start looks for it before it opens anything.
  database.pragma('wal_checkpoint(TRUNCATE)');
}

/** Whether what is free in the file can be given back to the disk; in a file that version 1 made it cannot. */
export function canGiveBack(database: Database.Database): boolean {
  return database.pragma('auto_vacuum', { simple: true }) === AUTO_VACUUM_INCREMENTAL;
}

/**
 * Rewrites a database so that it can give space back, if it holds no more than `bytesMax`.
 *
 * @returns whether it can
 */
export function reshape(database: Database.Database, bytesMax: number): boolean {
  const pages = (name: string) => database.pragma(name, { simple: true }) as number;
  if ((pages('page_count') - pages('freelist_count')) * PAGE_BYTES > bytesMax) return false;
  database.pragma('auto_vacuum = INCREMENTAL');
  database.exec('VACUUM');
  return true;
}

function reshapeAtStart(database: Database.Database): void {
  try {
    if (canGiveBack(database) || !reshape(database, RESHAPE_BYTES_MAX)) return;
    database.pragma('wal_checkpoint(TRUNCATE)');
  } catch (error) {
    // A disk that is full must not keep a broker from its start: it is tried again.
    if ((error as { code?: string }).code !== 'SQLITE_FULL') throw error;
  }
}
