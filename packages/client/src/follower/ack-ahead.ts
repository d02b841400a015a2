import type { StreamRanges } from '@simplemq/protocol';
import type { Run } from './run.ts';

export interface AckAheadHandlers {
  /** Whether nobody waits for the run any more. */
  isOver(): boolean;
  /** The messages are acked, but for those that `stale` covers. */
  acked(stale: readonly StreamRanges[]): void;
  /** They are not, or it is not known: they may come again, and are not to be shown before. */
  refused(): void;
}

/** An ack that the broker has no room to store is asked for again after so long. */
const AGAIN_MS = 500;

/** Acks a run that nobody has seen yet. */
export function ackAhead(run: Run<unknown>, handlers: AckAheadHandlers, isAgain = false): void {
  run.held.settler.ackAll(
    [run.ranges()],
    (stale) => {
      // What is acked again is stale for having been acked before.
      if (!handlers.isOver()) handlers.acked(isAgain ? [] : stale);
    },
    (error) => {
      if (handlers.isOver()) return;
      if (error.code !== 'StorageFull') {
        handlers.refused();
        return;
      }
      // The broker has noted the ack, stores it when there is room, and does not deliver the messages again: they would
      // be lost if they were given up. The answer that counts is the one to the same ack later.
      setTimeout(() => {
        if (!handlers.isOver()) ackAhead(run, handlers, true);
      }, AGAIN_MS).unref();
    },
  );
}
