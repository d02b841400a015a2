import { EmbeddedEngine } from '../src/engine/embedded-engine.ts';
import type { EngineEvent } from '../src/engine/events.ts';
import { CACHE_BYTES_DEFAULT } from '../src/engine/open-engine.ts';
import type {
  ReadRequest,
  Store,
  StoreCommitted,
  StoreSnapshot,
  StoreTransaction,
} from '../src/store/store.ts';
import type { Batch } from '../src/stream/batch.ts';

/** A store that keeps batches in memory, and fails, refuses or waits when a test says so. */
export class FakeStore implements Store {
  readonly durability = 'fsync';
  readonly commits: StoreTransaction[] = [];
  /** Called before each commit is applied: may throw, or wait. */
  beforeCommit: (transaction: StoreTransaction) => Promise<void> | void = () => {};
  beforeRead: () => Promise<void> | void = () => {};
  #batches: { streamId: number; batch: Batch }[] = [];

  load(): Promise<StoreSnapshot> {
    return Promise.resolve({ streams: [], groups: [], windows: [], producers: [] });
  }

  async commit(transaction: StoreTransaction): Promise<StoreCommitted> {
    await this.beforeCommit(transaction);
    this.commits.push(transaction);
    this.#batches.push(...transaction.batches);
    const removed = transaction.removals.map(({ streamId, first, last }) => {
      const gone = this.#batches.filter(
        (row) => row.streamId === streamId && row.batch.first >= first && row.batch.last <= last,
      );
      this.#batches = this.#batches.filter((row) => !gone.includes(row));
      return { streamId, bytes: gone.reduce((bytes, { batch }) => bytes + batch.bytes, 0) };
    });
    return { removed };
  }

  async read({ streamId, from }: ReadRequest): Promise<Batch[]> {
    await this.beforeRead();
    return this.#batches
      .filter((row) => row.streamId === streamId && row.batch.last >= from)
      .map(({ batch }) => batch);
  }

  close(): Promise<void> {
    return Promise.resolve();
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
    onEvent: () => {},
    ...options,
  });
}
