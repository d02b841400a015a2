import { JournalDamaged } from '../journal/journal-damaged.ts';

/** What is damaged so that the broker cannot go on without it: one line for people, with what to do. */
export class DamageError extends Error {
  constructor(what: string, folder: string, options: ErrorOptions = {}) {
    // SQLite quotes what it read, over several lines.
    const line = what.replaceAll(/\s+/g, ' ');
    super(
      `${line}: restore a backup of the data folder; 'simplemq check --data ${folder}' tells all that is damaged in it`,
      options,
    );
    this.name = 'DamageError';
  }
}

/** Whether SQLite met what it did not write. */
export function isDamage(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return typeof code === 'string' && (code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB');
}

/** What SQLite or the journal meets that was not written so, as a line for people. */
export function readable(error: unknown, folder: string): Error {
  if (error instanceof JournalDamaged) return new DamageError(error.message, folder, { cause: error });
  if (!isDamage(error)) return error as Error;
  const what = `the database in '${folder}' is damaged (${(error as Error).message})`;
  return new DamageError(what, folder, { cause: error });
}
