import { statfsSync } from 'node:fs';
import { type DatabaseOptions, PAGE_BYTES } from './database.ts';
import { hasRoom } from './disk-room.ts';
import type { JournaledDatabase } from './journaled-database.ts';

/** With so much room left the database can take what a commit brings it, and what is under way besides. */
const AMPLE_BYTES = 64 * 1024 * 1024;

/** Tells whether there is room for messages, on the disk and below the limit that is set. */
export class Room {
  readonly #options: DatabaseOptions;
  readonly #storage: JournaledDatabase;

  constructor(options: DatabaseOptions, storage: JournaledDatabase) {
    this.#options = options;
    this.#storage = storage;
  }

  /** @throws Error that `isFull` knows */
  check(bytes: number): void {
    const { folder, bytesMax } = this.#options;
    if (!this.#hasDiskRoom(bytes)) throw full(`the disk of '${folder}' is full`);
    if (!this.#isWithinLimit(bytes)) throw full(`${bytesMax} bytes are all that it may take`);
  }

  /** Whether the database will not want for room, whatever a commit of so many bytes is. */
  isAmple(bytes: number): boolean {
    return this.#hasDiskRoom(bytes + AMPLE_BYTES) && this.#isWithinLimit(bytes + AMPLE_BYTES);
  }

  #hasDiskRoom(bytes: number): boolean {
    return hasRoom(statfsSync(this.#options.folder), bytes, this.#storage.journal.roomBytes);
  }

  #isWithinLimit(bytes: number): boolean {
    const { bytesMax } = this.#options;
    return bytesMax === undefined || this.#usedBytes() + bytes <= bytesMax;
  }

  #usedBytes(): number {
    const { database, space } = this.#storage;
    const pages = (pragma: string) => database.pragma(pragma, { simple: true }) as number;
    return (pages('page_count') - pages('freelist_count')) * PAGE_BYTES + space.totalBytes;
  }
}

function full(message: string): Error {
  return Object.assign(new Error(message), { code: 'STORE_FULL' });
}
