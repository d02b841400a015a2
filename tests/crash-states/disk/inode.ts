/** What a write or a change of length did to a file, not yet on the disk for certain. */
export type Change =
  | { readonly number: number; readonly offset: number; readonly bytes: Buffer }
  | { readonly number: number; readonly length: number };

export interface Range {
  readonly start: number;
  readonly end: number;
}

const CAPACITY_MIN = 64 * 1024;

/**
 * A file, whatever its name is: what of it is on the disk for certain, and what was done to it since.
 *
 * Invariant: the memory behind the length is zeros, as a file that is made longer has them.
 */
export class Inode {
  readonly id: number;
  readonly isFolder: boolean;
  /** In order. */
  readonly pending: Change[] = [];
  /** Where the durable bytes changed since somebody last looked; the length may have changed too. */
  readonly dirty: Range[] = [];
  /** How often the durable bytes changed. */
  version = 0;
  #memory: Buffer = Buffer.alloc(0);
  #length = 0;
  /** The length with all that is pending. */
  #currentLength = 0;

  constructor(id: number, isFolder: boolean) {
    this.id = id;
    this.isFolder = isFolder;
  }

  clone(): Inode {
    const copy = new Inode(this.id, this.isFolder);
    copy.pending.push(...this.pending);
    copy.#memory = Buffer.from(this.durable);
    copy.#length = this.#length;
    copy.#currentLength = this.#currentLength;
    return copy;
  }

  get durable(): Buffer {
    return this.#memory.subarray(0, this.#length);
  }

  get currentLength(): number {
    return this.#currentLength;
  }

  add(change: Change): void {
    this.pending.push(change);
    this.#currentLength = lengthAfter(this.#currentLength, change);
  }

  /** All that was done to it up to this number is on the disk. */
  settle(through: number): void {
    const count = this.pending.findIndex(({ number }) => number > through);
    const settled = this.pending.splice(0, count < 0 ? this.pending.length : count);
    for (const change of settled) this.#apply(change);
  }

  /** What the file would be if all that is pending were on the disk. */
  current(): Buffer {
    const copy = Buffer.alloc(Math.max(this.#currentLength, this.#length));
    this.durable.copy(copy);
    let length = this.#length;
    for (const change of this.pending) {
      if ('bytes' in change) {
        const room = copy.length - change.offset;
        if (room > 0) change.bytes.copy(copy, change.offset, 0, Math.min(room, change.bytes.length));
      } else copy.fill(0, Math.min(change.length, copy.length));
      length = lengthAfter(length, change);
    }
    return copy.subarray(0, length);
  }

  #apply(change: Change): void {
    this.version++;
    if ('bytes' in change) {
      const end = change.offset + change.bytes.length;
      this.#reserve(end);
      change.bytes.copy(this.#memory, change.offset);
      this.#length = Math.max(this.#length, end);
      this.dirty.push({ start: change.offset, end });
      return;
    }
    this.#reserve(change.length);
    if (change.length < this.#length) this.#memory.fill(0, change.length, this.#length);
    this.dirty.push({
      start: Math.min(change.length, this.#length),
      end: Math.max(change.length, this.#length),
    });
    this.#length = change.length;
  }

  #reserve(bytes: number): void {
    if (bytes <= this.#memory.length) return;
    const larger = Buffer.alloc(Math.max(bytes, 2 * this.#memory.length, CAPACITY_MIN));
    this.durable.copy(larger);
    this.#memory = larger;
  }
}

export function lengthAfter(length: number, change: Change): number {
  return 'bytes' in change ? Math.max(length, change.offset + change.bytes.length) : change.length;
}
