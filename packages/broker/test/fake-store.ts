import { EmbeddedEngine } from '../src/engine/embedded-engine.ts';
import type { EngineEvent } from '../src/engine/events.ts';
import { CACHE_BYTES_DEFAULT, DEDUP_IDS_MAX_DEFAULT } from '../src/engine/open-engine.ts';
import type { ReadRequest, Store, StoreCommitted, StoreTransaction } from '../src/store/store.ts';
import type { Batch } from '../src/stream/batch.ts';
import { ModelStore } from './store/model-store.ts';

/** A store that keeps everything in memory, and fails, refuses or waits when a test says so. */
export class FakeStore extends ModelStore {
  readonly commits: StoreTransaction[] = [];
  /** Called before each commit is applied: may throw, or wait. */
  beforeCommit: (transaction: StoreTransaction, movedBytes: number) => Promise<void> | void = () => {};
  beforeRead: () => Promise<void> | void = () => {};

  override async commit(transaction: StoreTransaction, movedBytes = 0): Promise<StoreCommitted> {
    await this.beforeCommit(transaction, movedBytes);
    this.commits.push(transaction);
    return super.commit(transaction);
  }

  override async read(request: ReadRequest): Promise<Batch[]> {
    await this.beforeRead();
    return super.read(request);
  }
}

export async function openOn(
  store: Store,
  options: { cacheBytesMax?: number; onEvent?: (event: EngineEvent) => void } = {},
): Promise<EmbeddedEngine> {
  return EmbeddedEngine.open({
    store,
    cacheBytesMax: CACHE_BYTES_DEFAULT,
    streamsMax: 100,
    producerWindowMs: 60_000,
    dedupIdsMax: DEDUP_IDS_MAX_DEFAULT,
    onEvent: () => {},
    ...options,
  });
}
