import { StorageFull } from '@simplemq/protocol';
import type {
  DelayedPage,
  FrontRequest,
  ListDelayedRequest,
  ReadDelayedRequest,
  ReadFailuresRequest,
  ReadRequest,
  SeekRequest,
  Store,
  StoreCommitted,
  StoredDelayed,
  StoredFailure,
  StoreHealth,
  StoreSnapshot,
  StoreTransaction,
} from '../../../src/store/store.ts';
import type { Batch } from '../../../src/stream/batch.ts';
import { turns } from '../../test-engine.ts';

/** For what there is room on the disk. */
export type Room = 'for all' | 'for one batch that moves' | 'for none';

export interface Disk {
  readonly room: Room;
  /** Whether a read lets others go first. */
  readonly isSlow: boolean;
}

/** The store as one run of the broker has it: what the broker was killed in does not get there. */
export class OneRun implements Store {
  readonly durability = 'fsync';
  isKilled = false;
  readonly #store: Store;
  readonly #disk: Disk;

  constructor(store: Store, disk: Disk) {
    this.#store = store;
    this.#disk = disk;
  }

  async commit(transaction: StoreTransaction, movedBytes = 0): Promise<StoreCommitted> {
    // More comes meanwhile.
    await turns(2);
    if (this.isKilled) throw new Error('killed');
    if (!this.#hasRoomFor(transaction, movedBytes)) throw new StorageFull('no room');
    return this.#store.commit(transaction, movedBytes);
  }

  #hasRoomFor({ batches, dedup, delayed, createdStreams }: StoreTransaction, movedBytes: number): boolean {
    const { room } = this.#disk;
    if (room === 'for all') return true;
    if (room === 'for one batch that moves' && movedBytes > 0 && batches.length <= 1) return true;
    return batches.length + dedup.length + delayed.length + createdStreams.length === 0;
  }

  load(): Promise<StoreSnapshot> {
    return this.#store.load();
  }

  async read(request: ReadRequest): Promise<Batch[]> {
    await this.#wait();
    return this.#store.read(request);
  }

  async seek(request: SeekRequest): Promise<number | undefined> {
    await this.#wait();
    return this.#store.seek(request);
  }

  async front(request: FrontRequest): Promise<number | undefined> {
    await this.#wait();
    return this.#store.front(request);
  }

  async readDelayed(request: ReadDelayedRequest): Promise<DelayedPage> {
    await this.#wait();
    return this.#store.readDelayed(request);
  }

  async listDelayed(request: ListDelayedRequest): Promise<StoredDelayed[]> {
    await this.#wait();
    return this.#store.listDelayed(request);
  }

  async readFailures(request: ReadFailuresRequest): Promise<StoredFailure[]> {
    await this.#wait();
    return this.#store.readFailures(request);
  }

  health(): StoreHealth {
    return this.#store.health();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async #wait(): Promise<void> {
    if (this.#disk.isSlow) await turns(1);
  }
}
