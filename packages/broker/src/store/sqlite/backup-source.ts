import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { basename } from 'node:path';
import type { BackupFile } from '../backup/backup-format.ts';
import { BackupWriter } from '../backup/backup-writer.ts';
import type { BackupPiece } from '../store.ts';
import { FRAME_BYTES } from './checkpoints.ts';
import type { JournaledDatabase } from './journaled-database.ts';

/** Of SQLite's own log, which grows until the database's file is copied. */
const LOG_BYTES_MAX = 2 ** 30;

/** A file of the data folder that is to be copied, as long as it was. */
interface Source extends BackupFile {
  read(position: number, length: number): Buffer;
  /** Nothing of it is needed any more. */
  done(): void;
}

interface Copying {
  readonly writer: BackupWriter;
  readonly sources: Source[];
  readonly pieceBytes: number;
  position: number;
  isBegun: boolean;
}

/**
 * Copies the data folder of a broker that runs, piece by piece between two commits, as it was at one place of the journal.
 *
 * Invariant: the database's file is frozen until it is copied, and the segments of the journal that it needs are pinned
 * until they are; so what is copied is what was committed when the backup began, and nothing else.
 */
export class BackupSource {
  readonly #storage: JournaledDatabase;
  readonly #file: string;
  readonly #onLetGo: () => void;
  /** See `close`. */
  #descriptor: number | undefined;
  #copying: Copying | undefined;

  /** @param onLetGo called when something is not kept for a backup any more */
  constructor(storage: JournaledDatabase, onLetGo: () => void) {
    this.#storage = storage;
    this.#onLetGo = onLetGo;
    this.#file = storage.database.name;
  }

  /** @returns about how many bytes the backup will have */
  begin(pieceBytes: number): number {
    this.end();
    try {
      const segments = this.#storage.freeze();
      this.#storage.journal.pin(segments.keys());
      const sources = [this.#database(), ...Array.from(segments, ([id, bytes]) => this.#segment(id, bytes))];
      this.#copying = { writer: new BackupWriter(), sources, pieceBytes, position: 0, isBegun: false };
      return sources.reduce((sum, { bytes }) => sum + bytes, 0);
    } catch (error) {
      this.end();
      throw error;
    }
  }

  read(): BackupPiece {
    const copying = this.#copying;
    if (copying === undefined) throw new Error('there is no backup');
    try {
      this.#checkLog();
      return this.#next(copying);
    } catch (error) {
      this.end();
      throw error;
    }
  }

  end(): void {
    this.#copying = undefined;
    this.#storage.thaw();
    this.#storage.journal.pin([]);
    this.#onLetGo();
  }

  /**
   * To be called once SQLite has closed the file. Not before: a process that closes any descriptor of a file loses all
   * its locks on it, SQLite's among them (https://sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled).
   */
  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
  }

  #next(copying: Copying): BackupPiece {
    const { writer, sources, pieceBytes } = copying;
    const parts: Buffer[] = [];
    if (!copying.isBegun) parts.push(...writer.begin());
    copying.isBegun = true;
    const [source] = sources;
    if (source === undefined) {
      parts.push(...writer.end());
      this.end();
      return piece(parts, false);
    }
    if (copying.position === 0) parts.push(...writer.file({ name: source.name, bytes: source.bytes }));
    const length = Math.min(pieceBytes, source.bytes - copying.position);
    const bytes = source.read(copying.position, length);
    if (bytes.length < length) throw new Error(`the file '${source.name}' is shorter than it was`);
    if (length > 0) parts.push(...writer.data(bytes));
    copying.position += length;
    if (copying.position === source.bytes) {
      source.done();
      this.#onLetGo();
      sources.shift();
      copying.position = 0;
    }
    return piece(parts, true);
  }

  #database(): Source {
    this.#descriptor ??= openSync(this.#file, 'r');
    const descriptor = this.#descriptor;
    return {
      name: basename(this.#file),
      bytes: fstatSync(descriptor).size,
      read: (position, length) => {
        const bytes = Buffer.allocUnsafeSlow(length);
        return bytes.subarray(0, readSync(descriptor, bytes, 0, length, position));
      },
      done: () => this.#storage.thaw(),
    };
  }

  #segment(id: number, bytes: number): Source {
    const { journal } = this.#storage;
    return {
      name: basename(journal.pathOf(id)),
      bytes,
      read: (position, length) => journal.read({ segment: id, position }, length),
      done: () => journal.pin([...journal.pinned].filter((pinned) => pinned !== id)),
    };
  }

  /** @throws Error when what is committed meanwhile takes more room than it may */
  #checkLog(): void {
    if (!this.#storage.isFrozen || this.#storage.logFrames() * FRAME_BYTES <= LOG_BYTES_MAX) return;
    throw new Error('the backup was taken too slowly: more was written meanwhile than can wait for it');
  }
}

function piece(parts: readonly Buffer[], more: boolean): BackupPiece {
  const data = Buffer.allocUnsafeSlow(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) at += part.copy(data, at);
  return { data, more };
}
