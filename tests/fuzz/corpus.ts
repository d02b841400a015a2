import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { outcomeKey, type Target } from './target.ts';

/** Inputs of one target that are kept: for each outcome the shortest that leads to it. */
const KEPT_MAX = 60;
/** An input that failed once is kept for good, by this name. */
const FOUND = 'found-';
const FOLDER = join(import.meta.dirname, 'corpus');

/**
 * The inputs in tests/fuzz/corpus/<target>: a file of hex for each, named after what comes of it. All of them are read
 * again at every test run, and mutations start from them.
 */
export class Corpus {
  readonly #target: Target;
  readonly #folder: string;
  readonly #files = new Map<string, Buffer>();

  constructor(target: Target) {
    this.#target = target;
    this.#folder = join(FOLDER, target.name);
    mkdirSync(this.#folder, { recursive: true });
    for (const file of readdirSync(this.#folder).sort()) {
      const hex = readFileSync(join(this.#folder, file), 'latin1').trim();
      this.#files.set(file.replace(/\.hex$/, ''), Buffer.from(hex, 'hex'));
    }
  }

  get folder(): string {
    return this.#folder;
  }

  get inputs(): readonly Buffer[] {
    return [...this.#files.values()];
  }

  /** Adds inputs by their outcomes, each made as short as it can be, and writes the whole anew. */
  grow(found: ReadonlyMap<string, Buffer>): void {
    const kept = new Map<string, Buffer>();
    const candidates = [...this.#files].filter(([name]) => !name.startsWith(FOUND));
    for (const input of [...candidates.map(([, input]) => input), ...found.values()]) {
      const key = this.#keyOf(input);
      const known = kept.get(key);
      if (known === undefined ? kept.size < KEPT_MAX : input.length < known.length) kept.set(key, input);
    }
    for (const [name] of candidates) {
      this.#files.delete(name);
      rmSync(join(this.#folder, `${name}.hex`));
    }
    for (const [key, input] of kept) {
      const shortest = this.#shortened(key, input);
      this.#files.set(key, shortest);
      writeFileSync(join(this.#folder, `${key}.hex`), `${shortest.toString('hex')}\n`);
    }
  }

  #keyOf(input: Buffer): string {
    return outcomeKey(this.#target.run(Buffer.from(input)));
  }

  /** Leaves out pieces, half of it at first and a byte at last, as long as the outcome stays. */
  #shortened(key: string, input: Buffer): Buffer {
    let shortest = input;
    for (let size = input.length >> 1; size > 0; size >>= 1) {
      for (let at = 0; at + size <= shortest.length; ) {
        const shorter = Buffer.concat([shortest.subarray(0, at), shortest.subarray(at + size)]);
        if (this.#keyOf(shorter) === key) shortest = shorter;
        else at += size;
      }
    }
    return shortest;
  }
}

/** Keeps an input that failed. @returns the file's name */
export function saveFailure(folder: string, input: Buffer): string {
  const name = FOUND + createHash('sha256').update(input).digest('hex').slice(0, 12);
  const file = join(folder, `${name}.hex`);
  writeFileSync(file, `${input.toString('hex')}\n`);
  return file;
}
