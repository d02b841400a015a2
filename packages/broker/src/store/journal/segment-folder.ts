import { readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { syncFolder } from './sync-folder.ts';

const PREFIX = 'simplemq.journal-';
const SPARE_PREFIX = 'simplemq.spare-';

/** The segments in a data folder, by ascending id. */
export function segmentsIn(folder: string): { readonly id: number; readonly path: string }[] {
  return readdirSync(folder)
    .filter((name) => name.startsWith(PREFIX))
    .map((name) => ({ id: Number(name.slice(PREFIX.length)), path: join(folder, name) }))
    .filter(({ id }) => Number.isSafeInteger(id))
    .sort((a, b) => a.id - b.id);
}

/** The files of the journal in the data folder. */
export class SegmentFolder {
  readonly #folder: string;
  /** Files that are no segment any more, to become one: their blocks are on the disk already. */
  readonly #spares: string[] = [];
  #spareNumber = 0;

  /** What was spare is removed. */
  constructor(folder: string) {
    this.#folder = folder;
    for (const name of readdirSync(folder)) {
      if (name.startsWith(SPARE_PREFIX)) rmSync(join(folder, name));
    }
  }

  get spares(): number {
    return this.#spares.length;
  }

  /** The ids of the segments, ascending. */
  ids(): number[] {
    return segmentsIn(this.#folder).map(({ id }) => id);
  }

  path(id: number): string {
    return join(this.#folder, `${PREFIX}${id}`);
  }

  bytesOf(id: number): number {
    return statSync(this.path(id)).size;
  }

  /** Makes what is a spare, if there is one, the file of this segment. */
  useSpare(id: number): void {
    const spare = this.#spares.pop();
    if (spare !== undefined) renameSync(spare, this.path(id));
  }

  /** Makes the segment's file a spare. */
  keep(id: number): void {
    const spare = join(this.#folder, `${SPARE_PREFIX}${++this.#spareNumber}`);
    renameSync(this.path(id), spare);
    this.#spares.push(spare);
  }

  remove(id: number): void {
    rmSync(this.path(id), { force: true });
  }

  removeSpares(): void {
    for (const spare of this.#spares.splice(0)) rmSync(spare, { force: true });
  }

  /** What files there are, and under which names, is on the disk afterwards. */
  sync(): void {
    syncFolder(this.#folder);
  }
}
