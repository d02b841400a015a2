import type { Batch } from '../../stream/batch.ts';
import type { Store, StoreCommitted, StoreSnapshot } from '../store.ts';

const NOTHING: StoreSnapshot = { streams: [], groups: [], windows: [], producers: [] };

/**
 * The store of an engine without a disk: nothing survives, so there is nothing to keep. The streams of such an engine
 * are memory streams, whose batches stay in their cache until they are acked.
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

  close(): Promise<void> {
    return Promise.resolve();
  }
}
