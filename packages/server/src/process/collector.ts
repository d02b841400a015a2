import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Past it a collection in one go would stop the program for too long. */
const SMALL_HEAP_BYTES: number = 64 * 1024 * 1024;
/** What passed through outside of the heap since the last collection, at the most, but for what comes between two looks. */
const PASSED_BYTES_MAX: number = 96 * 1024 * 1024;
const LOOK_MS = 100;

/**
 * Lets the garbage collector of this process work less often, and in one go instead of beside the program, for as long as
 * its heap is small. To be called by a process that is a broker and nothing else: it changes settings of the whole
 * process.
 *
 * Messages lie in memory outside of the heap. V8 counts that by itself unless told otherwise, and starts a collection for
 * every few dozen megabytes that pass through. Counted with the heap, it starts one when both together have grown by a
 * share of what they may grow to, which is gigabytes: so one is started here before that. Marking a heap of some
 * megabytes is soon done, but marking it beside the program takes several threads a multiple of that time; see
 * docs/decisions/garbage-collection.md.
 */
export function collectInOneGo(): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  let isInOneGo = false;
  // What is let go of goes a while after the collection that found it.
  let leastBytes = Number.POSITIVE_INFINITY;
  const look = (): void => {
    const { used_heap_size: heapBytes, external_memory: externalBytes } = getHeapStatistics();
    const isSmall = heapBytes <= SMALL_HEAP_BYTES;
    if (isSmall !== isInOneGo) {
      isInOneGo = isSmall;
      setFlagsFromString(isSmall ? '--no-incremental-marking' : '--incremental-marking');
      setFlagsFromString(`--${isSmall ? '' : 'no-'}external-memory-accounted-in-global-limit`);
    }
    leastBytes = Math.min(leastBytes, externalBytes);
    if (!isSmall || externalBytes - leastBytes <= PASSED_BYTES_MAX) return;
    collect();
    leastBytes = getHeapStatistics().external_memory;
  };
  look();
  setInterval(look, LOOK_MS).unref();
}
