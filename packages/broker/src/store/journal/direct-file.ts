import { closeSync, constants, openSync, writeSync } from 'node:fs';

/** What a direct write begins at, ends at, and is written from a multiple of. */
export const BLOCK_BYTES = 4096;
/** What one write takes at the most. */
const STAGING_BYTES = 4 * 1024 * 1024;
const WASM_PAGE_BYTES = 65_536;

/** The memory of all files: there is one write at a time in a thread. */
let staging: Buffer | undefined;

/**
 * A file that is written past the operating system's cache, several times faster than through it where much is written
 * once: nothing is copied into pages that must first be found, and that others would have made better use of.
 */
export class DirectFile {
  readonly #descriptor: number;
  readonly #staging: Buffer;

  private constructor(descriptor: number, memory: Buffer) {
    this.#descriptor = descriptor;
    this.#staging = memory;
  }

  /** Undefined where there is no such thing: on another system than Linux, or on a file system that refuses. */
  static open(path: string): DirectFile | undefined {
    if (constants.O_DIRECT === undefined) return undefined;
    try {
      staging ??= alignedMemory(STAGING_BYTES);
      return new DirectFile(openSync(path, constants.O_WRONLY | constants.O_DIRECT), staging);
    } catch {
      return undefined;
    }
  }

  /** Writes the bytes at a multiple of a block, and zeros up to the next one. They are not synced. */
  write(bytes: Buffer, position: number): void {
    for (let start = 0; start < bytes.length; ) {
      const length = bytes.copy(this.#staging, 0, start);
      const padded = roundUp(length);
      this.#staging.fill(0, length, padded);
      this.#writeStaged(padded, position + start);
      start += length;
    }
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #writeStaged(length: number, position: number): void {
    for (let written = 0; written < length; ) {
      written += writeSync(this.#descriptor, this.#staging, written, length - written, position + written);
    }
  }
}

/** The end of the block that `position` is in, or itself if it is one. */
export function roundUp(position: number): number {
  return Math.ceil(position / BLOCK_BYTES) * BLOCK_BYTES;
}

/** What is needed of it: the types of Node.js do not have it. */
declare const WebAssembly: {
  readonly Memory: new (size: { readonly initial: number }) => { readonly buffer: ArrayBuffer };
};

/** JavaScript cannot say where memory begins; that of WebAssembly begins at a page. */
function alignedMemory(bytes: number): Buffer {
  return Buffer.from(new WebAssembly.Memory({ initial: bytes / WASM_PAGE_BYTES }).buffer);
}
