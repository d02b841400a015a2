import {
  closeSync,
  existsSync,
  ftruncateSync,
  futimesSync,
  linkSync,
  mkdirSync,
  openSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Inode } from './inode.ts';
import type { PowerCut } from './power-cut.ts';
import type { TornFile } from './torn-file.ts';

/** A time that no file gets by being written to, in seconds since 1970. */
const UNTOUCHED_S = 1;

/**
 * Lays out states of a disk as folders, one at a time. The files of a state are links to files that are kept from one
 * state to the next, so that of a large file only what differs is written.
 *
 * Invariant: between two states a kept file has the durable bytes of its inode as they were when it was last laid out,
 * but for what its `dirty` names.
 */
export class StateFolder {
  readonly #kept: string;
  readonly #state: string;
  readonly #lengths = new Map<Inode, number>();
  readonly #used = new Map<Inode, TornFile | undefined>();

  constructor(folder: string) {
    this.#kept = join(folder, 'kept');
    this.#state = join(folder, 'state');
    mkdirSync(this.#kept, { recursive: true });
  }

  /** @returns the folder that stands for the root of the disk */
  lay({ names, torn }: PowerCut): string {
    rmSync(this.#state, { recursive: true, force: true });
    for (const [path, inode] of [...names].sort(([a], [b]) => a.length - b.length)) {
      if (inode.isFolder) mkdirSync(join(this.#state, path));
      else {
        this.#update(inode);
        this.#tear(inode, torn.get(inode));
        this.#used.set(inode, torn.get(inode));
        linkSync(this.#pathOf(inode), join(this.#state, path));
      }
    }
    return this.#state;
  }

  /** To be called when the state that was laid out is done with: brings back what was changed in it. */
  restore(): void {
    rmSync(this.#state, { recursive: true, force: true });
    for (const [inode, file] of this.#used) {
      const path = this.#pathOf(inode);
      if (statSync(path).mtimeMs !== UNTOUCHED_S * 1000) this.#rewrite(inode);
      else if (file !== undefined) this.#mend(inode, file);
    }
    this.#used.clear();
  }

  #pathOf({ id }: Inode): string {
    return join(this.#kept, String(id));
  }

  #update(inode: Inode): void {
    const { durable, dirty } = inode;
    if (!existsSync(this.#pathOf(inode))) this.#rewrite(inode);
    else if (dirty.length > 0) {
      this.#change(inode, (descriptor) => {
        if (this.#lengths.get(inode) !== durable.length) ftruncateSync(descriptor, durable.length);
        for (const { start, end } of dirty) writeAll(descriptor, durable.subarray(start, end), start);
      });
    }
    dirty.length = 0;
    this.#lengths.set(inode, durable.length);
  }

  #tear(inode: Inode, file: TornFile | undefined): void {
    if (file === undefined) return;
    this.#change(inode, (descriptor) => {
      if (file.zerosFrom < inode.durable.length) ftruncateSync(descriptor, file.zerosFrom);
      if (file.length !== inode.durable.length || file.zerosFrom < file.length) {
        ftruncateSync(descriptor, file.length);
      }
      for (const { offset, bytes } of file.patches) {
        writeAll(descriptor, bytes.subarray(0, Math.max(0, file.length - offset)), offset);
      }
    });
  }

  #mend(inode: Inode, file: TornFile): void {
    const { durable } = inode;
    if (file.length < durable.length || file.zerosFrom < durable.length) {
      this.#rewrite(inode);
      return;
    }
    this.#change(inode, (descriptor) => {
      ftruncateSync(descriptor, durable.length);
      for (const { offset, bytes } of file.patches) {
        writeAll(descriptor, durable.subarray(offset, offset + bytes.length), offset);
      }
    });
  }

  #rewrite(inode: Inode): void {
    this.#change(inode, (descriptor) => {
      ftruncateSync(descriptor, inode.durable.length);
      writeAll(descriptor, inode.durable, 0);
    });
  }

  #change(inode: Inode, work: (descriptor: number) => void): void {
    const path = this.#pathOf(inode);
    const descriptor = openSync(path, existsSync(path) ? 'r+' : 'w+');
    try {
      work(descriptor);
      futimesSync(descriptor, UNTOUCHED_S, UNTOUCHED_S);
    } finally {
      closeSync(descriptor);
    }
  }
}

function writeAll(descriptor: number, bytes: Uint8Array, position: number): void {
  for (let written = 0; written < bytes.length; ) {
    written += writeSync(descriptor, bytes, written, bytes.length - written, position + written);
  }
}
