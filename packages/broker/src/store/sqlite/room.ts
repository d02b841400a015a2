import { statfsSync } from 'node:fs';
import { type DatabaseOptions, PAGE_BYTES } from './database.ts';
import { hasRoom } from './disk-room.ts';
import { isFull, type JournaledDatabase } from './journaled-database.ts';

/** Tells whether there is room for messages, on the disk and below the limit that is set. */
export class Room {
  readonly #options: DatabaseOptions;
  readonly #storage: JournaledDatabase;

  constructor(options: DatabaseOptions, storage: JournaledDatabase) {
    this.#options = options;
    this.#storage = storage;
  }

  /**
   * What only moves is there already: no limit is set for it, and it may use what is kept free of the disk.
   *
   * @throws Error that `isFull` knows
   */
  check(newBytes: number, movedBytes: number): void {
    const { folder, bytesMax } = this.#options;
    if (!hasRoom(statfsSync(folder), { newBytes, movedBytes }, this.#storage.journal.roomBytes)) {
      throw full(`the disk of '${folder}' is full`);
    }
    if (bytesMax !== undefined && newBytes > 0 && this.#usedBytes() + newBytes > bytesMax) {
      throw full(`${bytesMax} bytes are all that it may take`);
    }
  }

  isThere(bytes: number): boolean {
    try {
      this.check(bytes, 0);
      return true;
    } catch (error) {
      if (isFull(error)) return false;
      throw error;
    }
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
