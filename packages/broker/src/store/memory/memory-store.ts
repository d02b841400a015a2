import type { Batch } from '../../stream/batch.ts';
import type {
  DelayedPage,
  Store,
  StoreCommitted,
  StoredDelayed,
  StoredFailure,
  StoreHealth,
  StoreSnapshot,
} from '../store.ts';

const NOTHING: StoreSnapshot = {
  streams: [],
  groups: [],
  windows: [],
  producers: [],
  dedup: [],
  schedules: [],
  lastDelayedId: 0,
  delayed: [],
  failingGroups: [],
  clockOffsetMs: 0,
  clockSteadyMs: 0,
};

/**
 * The store of an engine without a disk: nothing survives, so there is nothing to keep. The streams of such an engine
 * are memory streams: their batches stay in their cache until they are acked, and what is delayed or failed is with
 * the engine too.
 */
export class MemoryStore implements Store {
  readonly durability = 'memory';

  load(): Promise<StoreSnapshot> {
    return Promise.resolve(NOTHING);
  }

  commit(): Promise<StoreCommitted> {
    return Promise.resolve({ removed: [] });
  }

  read(): Promise<Batch[]> {
    return Promise.resolve([]);
  }

  seek(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  front(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  readDelayed(): Promise<DelayedPage> {
    return Promise.resolve({ due: [] });
  }

  listDelayed(): Promise<StoredDelayed[]> {
    return Promise.resolve([]);
  }

  readFailures(): Promise<StoredFailure[]> {
    return Promise.resolve([]);
  }

  health(): StoreHealth {
    return { isFull: false };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
