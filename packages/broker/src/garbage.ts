import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Past it a collection in one go would stop the program for too long. */
const SMALL_HEAP_BYTES: number = 64 * 1024 * 1024;
/** Once past it, it is small again only below this: so that the settings do not change to and fro. */
const SMALL_AGAIN_BYTES: number = 48 * 1024 * 1024;
/** What passed through outside of the heap since the last collection, at the most, but for what comes between two looks. */
const PASSED_BYTES_MAX: number = 96 * 1024 * 1024;
const LOOK_MS = 100;

let isInOneGo = false;

/** Whether `collectInOneGo` was called: its settings are those of all threads, which then collect by themselves. */
export function isCollectedInOneGo(): boolean {
  return isInOneGo;
}

/**
 * Lets the garbage collector of this process work less often, and in one go instead of beside the program, for as long as
 * its heap is small. To be called by a process that is a broker and nothing else, before it starts one: it changes settings
 * of the whole process.
 *
 * Messages lie in memory outside of the heap. V8 counts that by itself unless told otherwise, and starts a collection for
 * every few dozen megabytes that pass through. Counted with the heap, it starts one when both together have grown by a
 * share of what they may grow to, which is gigabytes: so one is started here before that. Marking a heap of some
 * megabytes is soon done, but marking it beside the program takes several threads a multiple of that time; see
 * docs/decisions/garbage-collection.md.
 */
export function collectInOneGo(): void {
  if (isInOneGo) return;
  isInOneGo = true;
  let wasSmall = false;
  const passed = new PassedMemory();
  const look = (): void => {
    const bytesMax = wasSmall ? SMALL_HEAP_BYTES : SMALL_AGAIN_BYTES;
    const isSmall = getHeapStatistics().used_heap_size <= bytesMax;
    if (isSmall !== wasSmall) {
      wasSmall = isSmall;
      setFlagsFromString(isSmall ? '--no-incremental-marking' : '--incremental-marking');
      setFlagsFromString(`--${isSmall ? '' : 'no-'}external-memory-accounted-in-global-limit`);
    }
    if (isSmall) passed.look();
  };
  look();
  setInterval(look, LOOK_MS).unref();
}

/** Collects the garbage of its thread when much of what lies outside of the heap may be such. */
export class PassedMemory {
  readonly #collect: () => void;
  /** What is let go of goes a while after the collection that found it. */
  #leastBytes = Number.POSITIVE_INFINITY;
  #lookedAt = 0;

  constructor() {
    setFlagsFromString('--expose-gc');
    this.#collect = runInNewContext('gc') as () => void;
  }

  /** To be called often: it looks no more than twenty times a second. */
  look(): void {
    const now = performance.now();
    if (now - this.#lookedAt < LOOK_MS / 2) return;
    this.#lookedAt = now;
    const bytes = getHeapStatistics().external_memory;
    this.#leastBytes = Math.min(this.#leastBytes, bytes);
    if (bytes - this.#leastBytes <= PASSED_BYTES_MAX) return;
    this.#collect();
    this.#leastBytes = getHeapStatistics().external_memory;
  }
}
