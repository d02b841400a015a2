import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
} from 'node:fs';
import { join } from 'node:path';

const DATABASE = 'simplemq.db';
const LOG = 'simplemq.db-wal';
const JOURNAL_PREFIX = 'simplemq.journal-';
/** The header of the database's log has salts that change when it begins anew. */
const LOG_HEADER_BYTES = 32;

/**
 * Copies the data folder of a broker that runs, as a crash at this moment would leave it: the database first, then its
 * log, then the journal, since what one of them takes from the next is in that as well. If a log began anew or a segment
 * of the journal went meanwhile, all is copied again.
 */
export function copyDataFolder(from: string, to: string): void {
  for (;;) {
    rmSync(to, { recursive: true, force: true });
    mkdirSync(to, { recursive: true });
    const before = stateOf(from);
    try {
      for (const name of [DATABASE, LOG, ...segmentsIn(from)]) {
        if (existsSync(join(from, name))) copyFileSync(join(from, name), join(to, name));
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    if (stateOf(from) === before) return;
  }
}

/** The names of the journal's files, the oldest first. */
export function segmentsIn(folder: string): string[] {
  const id = (name: string) => Number(name.slice(JOURNAL_PREFIX.length));
  return readdirSync(folder)
    .filter((name) => name.startsWith(JOURNAL_PREFIX))
    .sort((a, b) => id(a) - id(b));
}

function stateOf(folder: string): string {
  return [headerOf(join(folder, LOG)), ...segmentsIn(folder)].join(' ');
}

function headerOf(file: string): string {
  if (!existsSync(file)) return '';
  const header = Buffer.alloc(LOG_HEADER_BYTES);
  const descriptor = openSync(file, 'r');
  try {
    readSync(descriptor, header, 0, LOG_HEADER_BYTES, 0);
  } finally {
    closeSync(descriptor);
  }
  return header.toString('hex');
}
