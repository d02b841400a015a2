import { closeSync, existsSync, mkdirSync, openSync, readSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { UNFINISHED_RESTORE } from '../backup/unfinished-restore.ts';
import { FILE_MODE, FOLDER_MODE } from '../file-modes.ts';
import { syncFolder } from '../journal/sync-folder.ts';
import { APPLICATION_ID, MIGRATIONS } from './schema.ts';

const DATABASE_FILE = 'simplemq.db';
/** The database header, https://sqlite.org/fileformat2.html#the_database_header. */
const HEADER_BYTES = 100;
const USER_VERSION_OFFSET = 60;
const APPLICATION_ID_OFFSET = 68;

/**
 * Makes the folder if it is missing and looks at the database in it, if there is one, without opening it: one of a
 * newer version is left exactly as it is.
 *
 * @returns the path of the database
 * @throws Error with one line for people
 */
export function prepareDataFolder(folder: string): string {
  try {
    makeFolder(resolve(folder), FOLDER_MODE);
  } catch (cause) {
    throw new Error(`the data folder '${folder}' cannot be made: ${(cause as Error).message}`, { cause });
  }
  checkRestored(folder);
  const file = join(folder, DATABASE_FILE);
  const header = readHeader(file);
  if (header !== undefined) checkHeader(file, header);
  return file;
}

/**
 * The path of the database in a folder, in which nothing is made or changed.
 *
 * @throws Error with one line for people
 */
export function findDatabase(folder: string): string {
  checkRestored(folder);
  const file = join(folder, DATABASE_FILE);
  if (!existsSync(file))
    throw new Error(`there is no broker's data in '${folder}': it has no '${DATABASE_FILE}'`);
  const header = readHeader(file);
  if (header !== undefined) checkHeader(file, header);
  return file;
}

/** A broker that began on half of a backup would be taken for all of it. */
function checkRestored(folder: string): void {
  if (!existsSync(join(folder, UNFINISHED_RESTORE))) return;
  throw new Error(`a restore into '${folder}' was not finished; empty the folder, and restore again`);
}

/** An empty file is a new database to SQLite, which gives the files that it makes beside it the same mode. */
export function makeDatabaseFile(file: string): void {
  if (!existsSync(file)) closeSync(openSync(file, 'a', FILE_MODE));
}

/**
 * Level by level: `mkdir` with `recursive` never returns where a file system refuses a folder with ENOENT, as /proc does.
 * Each is synced into the one above: what is in a folder that a power cut takes away is lost, synced or not.
 */
function makeFolder(folder: string, mode?: number): void {
  if (existsSync(folder)) {
    if (statSync(folder).isDirectory()) return;
    throw new Error('it is a file');
  }
  makeFolder(dirname(folder));
  mkdirSync(folder, { mode });
  syncFolder(dirname(folder));
}

function readHeader(file: string): Buffer | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new Error(`the database '${file}' cannot be read: ${(cause as Error).message}`, { cause });
  }
  try {
    const header = Buffer.alloc(HEADER_BYTES);
    return readSync(descriptor, header) === HEADER_BYTES ? header : undefined;
  } finally {
    closeSync(descriptor);
  }
}

function checkHeader(file: string, header: Buffer): void {
  const applicationId = header.readUInt32BE(APPLICATION_ID_OFFSET);
  const version = header.readUInt32BE(USER_VERSION_OFFSET);
  const isNew = applicationId === 0 && version === 0;
  if (!isNew && applicationId !== APPLICATION_ID) throw new Error(`'${file}' is not a database of SimpleMQ`);
  if (version > MIGRATIONS.length) {
    throw new Error(
      `the database '${file}' has version ${version}, and this SimpleMQ knows versions up to ${MIGRATIONS.length}: ` +
        'use the SimpleMQ that wrote it, or a newer one',
    );
  }
}
