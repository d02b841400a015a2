/** Less is had from the allocator as cheaply. */
const POOLED_BYTES_MIN = 64 * 1024;
const ROUNDED_BYTES = 16 * 1024;
/** What is kept of what batches gave back, while others are under way. */
const KEPT_BYTES_MAX = 16 * 1024 * 1024;
/** The same, when nothing is under way. */
const KEPT_BYTES_IDLE = 2 * 1024 * 1024;

/**
 * Memory that the batches of a connection are built in, used again once they are confirmed: large memory that is found,
 * touched for the first time and given back costs more than what is copied into it, and its size alone makes V8 collect
 * its garbage.
 *
 * Invariant: what is given back is read by nobody any more.
 */
export class BatchMemory {
  readonly #free: Buffer[] = [];
  #freeBytes = 0;
  /** How many publishers have something under way. */
  #atWork = 0;

  /** What it keeps. */
  get freeBytes(): number {
    return this.#freeBytes;
  }

  /** At least so many bytes, with anything in them. */
  take(bytes: number): Buffer {
    if (bytes < POOLED_BYTES_MIN) return Buffer.allocUnsafeSlow(bytes);
    const index = this.#free.findLastIndex(({ length }) => length >= bytes && length <= 2 * bytes);
    if (index < 0) return Buffer.allocUnsafeSlow(Math.ceil(bytes / ROUNDED_BYTES) * ROUNDED_BYTES);
    const [buffer] = this.#free.splice(index, 1);
    this.#freeBytes -= buffer!.length;
    return buffer!;
  }

  give(buffer: Buffer): void {
    if (buffer.length < POOLED_BYTES_MIN) return;
    this.#free.push(buffer);
    this.#freeBytes += buffer.length;
    this.#trim(KEPT_BYTES_MAX);
  }

  /** A publisher has something under way. */
  work(): void {
    this.#atWork++;
  }

  /** It has nothing under way any more. */
  rest(): void {
    if (--this.#atWork === 0) this.#trim(KEPT_BYTES_IDLE);
  }

  #trim(bytesMax: number): void {
    while (this.#freeBytes > bytesMax) this.#freeBytes -= this.#free.shift()!.length;
  }
}
