import { closeSync, copyFileSync, existsSync, mkdirSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';

const DATABASE = 'simplemq.db';
const LOG = 'simplemq.db-wal';
/** The header of the write-ahead log has salts that change when it begins anew. */
const HEADER_BYTES = 32;

/**
 * Copies the files of a database that is in use, as a crash at this moment would leave them. The log is copied last:
 * what a checkpoint takes from it meanwhile is in both, unless the log begins anew, and then it is copied again.
 */
export function copyAsCrashed(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (let header = headerOf(from); ; header = headerOf(from)) {
    copyFileSync(join(from, DATABASE), join(to, DATABASE));
    if (existsSync(join(from, LOG))) copyFileSync(join(from, LOG), join(to, LOG));
    if (headerOf(from) === header) return;
  }
}

function headerOf(folder: string): string {
  if (!existsSync(join(folder, LOG))) return '';
  const header = Buffer.alloc(HEADER_BYTES);
  const file = openSync(join(folder, LOG), 'r');
  try {
    readSync(file, header, 0, HEADER_BYTES, 0);
  } finally {
    closeSync(file);
  }
  return header.toString('hex');
}
