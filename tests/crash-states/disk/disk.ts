import { constants } from 'node:fs';
import { dirname } from 'node:path/posix';
import type { Operation } from '../trace/operations.ts';
import { Inode } from './inode.ts';

/** What became of names, not yet on the disk for certain. `name` has `inode` from then on, or, without one, is gone. */
export interface NameChange {
  readonly number: number;
  readonly names: readonly { readonly path: string; readonly inode?: Inode }[];
  /** The file or folder that it is about. */
  readonly inode: Inode;
}

export type Names = ReadonlyMap<string, Inode>;

/** The names of a folder, and of the folders in it; that of the root is ''. */
const ROOT = '';

/** A disk as the operations of processes leave it: what is on it for certain, and what may be or not. */
export class Disk {
  /** Those that are there for certain. */
  readonly #durable = new Map<string, Inode>();
  /** As processes see them. */
  readonly #current = new Map<string, Inode>();
  readonly pendingNames: NameChange[] = [];
  readonly #open = new Map<number, Inode>();
  /** By descriptor: up to what a sync that has begun will have been thorough. */
  readonly #syncing = new Map<number, number>();
  #number = 0;
  #inodes = 0;

  constructor() {
    const root = this.#newInode(true);
    this.#durable.set(ROOT, root);
    this.#current.set(ROOT, root);
  }

  get durableNames(): Names {
    return this.#durable;
  }

  get currentNames(): Names {
    return this.#current;
  }

  /** The same disk, on which other things may happen from now on. Nothing is open on it. */
  clone(): Disk {
    const copy = new Disk();
    const clones = new Map<Inode, Inode>();
    const cloneOf = (inode: Inode): Inode => {
      const clone = clones.get(inode) ?? inode.clone();
      clones.set(inode, clone);
      return clone;
    };
    for (const [path, inode] of this.#durable) copy.#durable.set(path, cloneOf(inode));
    for (const [path, inode] of this.#current) copy.#current.set(path, cloneOf(inode));
    for (const { number, names, inode } of this.pendingNames) {
      const cloned = names.map(({ path, inode: named }) =>
        named ? { path, inode: cloneOf(named) } : { path },
      );
      copy.pendingNames.push({ number, names: cloned, inode: cloneOf(inode) });
    }
    copy.#number = this.#number;
    copy.#inodes = this.#inodes;
    return copy;
  }

  /** A file that was there before. */
  put(path: string, bytes: Buffer): void {
    const inode = this.#newInode(false);
    inode.add({ number: 0, offset: 0, bytes });
    inode.settle(0);
    this.#durable.set(path, inode);
    this.#current.set(path, inode);
  }

  putFolder(path: string): void {
    const inode = this.#newInode(true);
    this.#durable.set(path, inode);
    this.#current.set(path, inode);
  }

  apply(operation: Operation): void {
    switch (operation.kind) {
      case 'start':
        this.#open.clear();
        this.#syncing.clear();
        return;
      case 'open':
        this.#opened(operation.descriptor, operation.path, operation.flags);
        return;
      case 'close':
        this.#open.delete(operation.descriptor);
        return;
      case 'write':
        this.#inodeOf(operation.descriptor).add({
          number: ++this.#number,
          offset: operation.offset,
          bytes: operation.bytes,
        });
        return;
      case 'length':
        this.#inodeOf(operation.descriptor).add({ number: ++this.#number, length: operation.length });
        return;
      case 'syncBegin':
        this.#syncing.set(operation.descriptor, this.#number);
        return;
      case 'syncEnd':
        this.#synced(operation.descriptor);
        return;
      case 'rename': {
        const inode = this.#named(operation.from);
        this.#renamed(inode, [{ path: operation.from }, { path: operation.to, inode }]);
        return;
      }
      case 'unlink':
        this.#renamed(this.#named(operation.path), [{ path: operation.path }]);
        return;
      case 'mkdir': {
        const inode = this.#newInode(true);
        this.#renamed(inode, [{ path: operation.path, inode }]);
        return;
      }
    }
  }

  #opened(descriptor: number, path: string, flags: number): void {
    let inode = this.#current.get(path);
    if (inode === undefined) {
      if ((flags & constants.O_CREAT) === 0) throw new Error(`the log opens '${path}', which it never made`);
      inode = this.#newInode(false);
      this.#renamed(inode, [{ path, inode }]);
    }
    if ((flags & constants.O_TRUNC) !== 0) inode.add({ number: ++this.#number, length: 0 });
    this.#open.set(descriptor, inode);
  }

  #synced(descriptor: number): void {
    const through = this.#syncing.get(descriptor)!;
    const inode = this.#inodeOf(descriptor);
    this.#number++;
    if (!inode.isFolder) {
      inode.settle(through);
      return;
    }
    for (const change of this.pendingNames.slice()) {
      if (change.number > through) break;
      const isInside = change.names.every(({ path }) => this.#current.get(parentOf(path)) === inode);
      if (!isInside) continue;
      this.pendingNames.splice(this.pendingNames.indexOf(change), 1);
      rename(this.#durable, change);
    }
  }

  #renamed(inode: Inode, names: NameChange['names']): void {
    const change = { number: ++this.#number, names, inode };
    rename(this.#current, change);
    this.pendingNames.push(change);
  }

  #named(path: string): Inode {
    const inode = this.#current.get(path);
    if (inode === undefined) throw new Error(`the log names '${path}', which it never made`);
    return inode;
  }

  #inodeOf(descriptor: number): Inode {
    const inode = this.#open.get(descriptor);
    if (inode === undefined) throw new Error(`the log uses descriptor ${descriptor}, which it never opened`);
    return inode;
  }

  #newInode(isFolder: boolean): Inode {
    return new Inode(++this.#inodes, isFolder);
  }
}

export function rename(names: Map<string, Inode>, change: NameChange): void {
  for (const { path, inode } of change.names) {
    if (inode === undefined) names.delete(path);
    else names.set(path, inode);
  }
}

export function parentOf(path: string): string {
  const parent = dirname(path);
  return parent === '.' ? ROOT : parent;
}
