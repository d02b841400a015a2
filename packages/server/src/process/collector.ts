import { getHeapStatistics, setFlagsFromString } from 'node:v8';

/** Past it a collection in one go would stop the program for too long. */
const SMALL_HEAP_BYTES: number = 64 * 1024 * 1024;
const LOOK_MS = 1_000;

/**
 * Lets the garbage collector of this process work less often, and in one go instead of beside the program, for as long as
 * its heap is small. To be called by a process that is a broker and nothing else: it changes settings of the whole
 * process.
 *
 * Messages lie in memory outside of the heap. V8 counts that by itself unless told otherwise, and starts a collection for
 * every few dozen megabytes that pass through; counted with the heap it does so when both together have grown by a share.
 * Marking a heap of some megabytes is soon done, but marking it beside the program takes several threads a multiple of
 * that time; see docs/decisions/garbage-collection.md.
 */
export function collectInOneGo(): void {
  setFlagsFromString('--external-memory-accounted-in-global-limit');
  let isInOneGo = false;
  const look = (): void => {
    const isSmall = getHeapStatistics().used_heap_size <= SMALL_HEAP_BYTES;
    if (isSmall === isInOneGo) return;
    isInOneGo = isSmall;
    setFlagsFromString(isSmall ? '--no-incremental-marking' : '--incremental-marking');
  };
  look();
  setInterval(look, LOOK_MS).unref();
}
