import type { Durability } from '../engine/engine.ts';
import type { Batch } from '../stream/batch.ts';

/**
 * Where an engine keeps what must survive it. A store knows nothing of followers: it applies transactions, each whole
 * or not at all, and reads batches back.
 */
export interface Store {
  /** What a transaction has reached once `commit` resolves. */
  readonly durability: Durability;
  /** Everything but the batches; to be called once, first. */
  load(): Promise<StoreSnapshot>;
  /**
   * Applies the transaction.
   *
   * @throws StorageFull when there is no room: nothing of it was applied, and the store goes on
   * @throws StorageFailed on any other fault: the store is of no use any more
   */
  commit(transaction: StoreTransaction): Promise<StoreCommitted>;
  /** Batches of a stream in order, from the one that holds `from` or the first after it. */
  read(request: ReadRequest): Promise<Batch[]>;
  close(): Promise<void>;
}

export interface ReadRequest {
  readonly streamId: number;
  readonly from: number;
  /** Stops after the batch that reaches this; one batch at least is read. */
  readonly bytesMax: number;
}

export interface StoreSnapshot {
  readonly streams: readonly StoredStream[];
  readonly groups: readonly StoredGroup[];
  readonly windows: readonly StoredWindow[];
  readonly producers: readonly StoredProducer[];
}

export interface StoredStream {
  readonly id: number;
  readonly name: string;
  readonly options: { readonly storage: string; readonly retention: string };
  readonly createdAt: number;
  readonly nextSequence: number;
  readonly messages: number;
  readonly bytes: number;
}

export interface StoredGroup {
  readonly id: number;
  readonly streamId: number;
  readonly name: string;
  readonly createdAt: number;
  /** Every message up to it is acked. */
  readonly ackFloor: number;
  /** The first message that was never delivered. */
  readonly readPosition: number;
}

/** What happened to the messages of one window of a group, past the floor; see window-state.ts. */
export interface StoredWindow {
  readonly groupId: number;
  readonly window: number;
  readonly state: Uint8Array;
}

export interface StoredProducer {
  /** 16 bytes as hex. */
  readonly id: string;
  readonly usedAt: number;
  /** The receipts that may be asked for again, as JSON; see producers.ts. */
  readonly receipts: string;
}

/** Applied in the order of the fields. */
export interface StoreTransaction {
  /** They go first: a stream that is created may have the name of one that is deleted. */
  readonly deletedStreams: readonly number[];
  readonly createdStreams: readonly StoredStream[];
  readonly batches: readonly { readonly streamId: number; readonly batch: Batch }[];
  /** Streams whose counters changed. `bytes` is kept by the store itself. */
  readonly streams: readonly {
    readonly id: number;
    readonly nextSequence: number;
    readonly messages: number;
  }[];
  readonly groups: readonly StoredGroup[];
  readonly windows: readonly StoredWindow[];
  readonly droppedWindows: readonly { readonly groupId: number; readonly window: number }[];
  /** Batches that lie wholly within one of these go. */
  readonly removals: readonly { readonly streamId: number; readonly first: number; readonly last: number }[];
  readonly producers: readonly StoredProducer[];
  readonly forgottenProducers: readonly string[];
}

export interface StoreCommitted {
  /** What the removals freed. */
  readonly removed: readonly { readonly streamId: number; readonly bytes: number }[];
}
