import type { Durability } from '../engine/engine.ts';
import type { Batch } from '../stream/batch.ts';

/**
 * Where an engine keeps what must survive it. A store knows nothing of followers: it applies transactions, each whole
 * or not at all, and reads back what it keeps.
 */
export interface Store {
  /** To be set before anything is asked: told of what the store sets aside because it is damaged. */
  onDamaged?: (damage: readonly StoredDamage[]) => void;
  /** What a transaction has reached once `commit` resolves. */
  readonly durability: Durability;
  /** Everything but batches, delayed messages and failures; to be called once, first. */
  load(): Promise<StoreSnapshot>;
  /**
   * Applies the transaction.
   *
   * @param movedBytes how many bytes of its batches, and of what it delays, the store has already in another place: for
   *   them there need be no room but on the disk, and there what is kept free for this
   * @throws StorageFull when there is no room: nothing of it was applied, and the store goes on
   * @throws StorageFailed on any other fault: the store is of no use any more
   */
  commit(transaction: StoreTransaction, movedBytes?: number): Promise<StoreCommitted>;
  /** Batches of a lane in order, from the one that holds `from` or the first after it. */
  read(request: ReadRequest): Promise<Batch[]>;
  /** The sequence number of the lane's first batch that was taken in at `time` or later; undefined when there is none. */
  seek(request: SeekRequest): Promise<number | undefined>;
  /**
   * Where a stream would begin if its oldest batches, of all lanes, went until `bytes` are free: the sequence number
   * after the last that would go. Undefined when the stream has no batch.
   */
  front(request: FrontRequest): Promise<number | undefined>;
  /** Delayed batches that are due, the one that is due first coming first. */
  readDelayed(request: ReadDelayedRequest): Promise<DelayedPage>;
  /** The delayed batches of one stream, in the order of their ids, from the one that holds an id past `after` on. */
  listDelayed(request: ListDelayedRequest): Promise<StoredDelayed[]>;
  /** How messages of a group failed before, in the order in which they did; only what is committed. */
  readFailures(request: ReadFailuresRequest): Promise<StoredFailure[]>;
  /** Copies of all that is committed; absent where nothing is on a disk. */
  readonly backups?: StoreBackups;
  /** How it is doing, without it being asked. */
  health(): StoreHealth;
  close(): Promise<void>;
}

/** One backup at a time; one that begins ends the one before it. */
export interface StoreBackups {
  /**
   * What is committed by now, and no less, is what the pieces hold. Commits go on meanwhile.
   *
   * @returns about how many bytes it has
   */
  begin(pieceBytes: number): Promise<number>;
  /** The next piece, with no more data than was said. After one without `more` the backup is over. */
  read(): Promise<BackupPiece>;
  /** What was kept for the backup is kept no longer. */
  end(): Promise<void>;
}

export interface BackupPiece {
  readonly data: Uint8Array<ArrayBuffer>;
  readonly more: boolean;
}

export interface StoreHealth {
  /** What it has not answered yet. */
  readonly waiting?: StoreWait;
  /** Whether there was no room for the messages of a commit, and is none yet. */
  readonly isFull: boolean;
}

export interface StoreWait {
  /** What it is at, in a few words. */
  readonly doing: string;
  /** How long it has said nothing although it was asked, in ms. */
  readonly silentMs: number;
}

/** Messages that are not as they were stored: the store does not have them any more, and their stream gets fewer. */
export interface StoredDamage {
  readonly streamId: number;
  /** The name of their stream, as far as the store knows. */
  readonly stream: string;
  readonly lane: number;
  /** The sequence numbers; where the place of a batch is not sure, all that it may have had. Absent when delayed. */
  readonly first?: number;
  readonly last?: number;
  /** The id of the delayed batch that they were. */
  readonly delayedId?: number;
  readonly messages: number;
  /** How many messages of their lane came before the one that follows on them; absent when delayed. */
  readonly endOrdinal?: number;
  /** What their batch counted in the stream's bytes. */
  readonly bytes: number;
  readonly why: string;
  /** Where their batch lies in the journal, as far as that is sure. */
  readonly segment?: number;
  readonly position?: number;
  readonly length?: number;
}

/** The journal ended in something that is no whole record: a commit that nobody was told of, unless it is damaged. */
export interface StoredTornEnd {
  readonly segment: number;
  readonly position: number;
  /** What it would have brought, where that can be told. */
  readonly batches: readonly { readonly stream: string; readonly first: number; readonly last: number }[];
}

export interface ReadRequest {
  readonly streamId: number;
  readonly lane: number;
  readonly from: number;
  /** Stops after the batch that reaches this; one batch at least is read. */
  readonly bytesMax: number;
  /** No more than so many are read; absent for any number. */
  readonly batchesMax?: number;
}

export interface SeekRequest {
  readonly streamId: number;
  readonly lane: number;
  /** In milliseconds since 1970 UTC. */
  readonly time: number;
}

export interface FrontRequest {
  readonly streamId: number;
  readonly bytes: number;
}

export interface ReadDelayedRequest {
  /** Due by this time of each clock. */
  readonly wallMs: number;
  readonly steadyMs: number;
  readonly limit: number;
  /** Stops after the batch that reaches this. */
  readonly bytesMax: number;
}

export interface DelayedPage {
  readonly due: readonly StoredDelayed[];
  /** When the first batch after these is due, by each clock; absent when there is none. */
  readonly nextWallMs?: number;
  readonly nextSteadyMs?: number;
}

export interface ListDelayedRequest {
  readonly streamId: number;
  /** What ends at this id or before is left out. */
  readonly after: number;
  readonly limit: number;
}

export interface ReadFailuresRequest {
  readonly groupId: number;
  readonly first: number;
  readonly last: number;
}

export interface StoreSnapshot {
  readonly streams: readonly StoredStream[];
  readonly groups: readonly StoredGroup[];
  readonly windows: readonly StoredWindow[];
  readonly producers: readonly StoredProducer[];
  readonly dedup: readonly StoredDedup[];
  readonly schedules: readonly StoredSchedule[];
  /** The highest id that a delayed batch has had; 0 for none. */
  readonly lastDelayedId: number;
  /** How many messages of each stream are delayed, and the bytes of their batches. */
  readonly delayed: readonly {
    readonly streamId: number;
    readonly messages: number;
    readonly bytes: number;
  }[];
  /** When the first delayed batch is due, by each clock. */
  readonly nextWallMs?: number;
  readonly nextSteadyMs?: number;
  /** Groups of which failures are stored. */
  readonly failingGroups: readonly number[];
  /** By how much the wall clock is ahead of the steady one, as last stored, in ms; see steady-clock.ts. */
  readonly clockOffsetMs: number;
  /** What the steady clock showed when a window or a delayed batch was stored last, in ms; 0 for never. */
  readonly clockSteadyMs: number;
  /** What of the journal's end was left out, if there was anything. */
  readonly tornEnd?: StoredTornEnd;
}

export interface StoredStream {
  readonly id: number;
  readonly name: string;
  /** As the engine has them; kept as JSON. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly createdAt: number;
  readonly nextSequence: number;
  /** What comes before it was trimmed or purged. */
  readonly firstSequence: number;
  readonly messages: number;
  readonly bytes: number;
  /** When the newest message was taken in; what comes later is never given an earlier time. */
  readonly lastTime: number;
  /** By lane number. */
  readonly lanes: readonly StoredLane[];
}

export interface StoredLane {
  /** Messages that ever entered the lane: the ordinal of the next. */
  readonly ordinal: number;
  /** The sequence number after the lane's last message; 1 when it never had one. */
  readonly end: number;
}

export interface StoredGroup {
  readonly id: number;
  readonly streamId: number;
  readonly name: string;
  readonly createdAt: number;
  /** As the engine has it; kept as JSON. */
  readonly policy: Readonly<Record<string, unknown>>;
  readonly positions: readonly StoredPosition[];
}

export interface StoredPosition {
  readonly lane: number;
  /** Every message of the lane up to it is done. */
  readonly ackFloor: number;
  /** No message of the lane from it on was ever delivered. */
  readonly readPosition: number;
  /** The ordinal of the first message of the lane that was never delivered, as far as is known. */
  readonly ordinal: number;
}

/** What happened to the messages of one window of a group, past the floor; see window-state.ts. */
export interface StoredWindow {
  readonly groupId: number;
  readonly lane: number;
  readonly window: number;
  /** The format of `state`: 1 was written by schema version 1. */
  readonly format: number;
  readonly state: Uint8Array;
}

/** Receipts of a producer, which has a row for about each 16 KiB of them. */
export interface StoredProducer {
  /** The producer's 16 bytes as hex, and of further rows 4 bytes more; see producer.ts. */
  readonly id: string;
  /** By the steady clock. */
  readonly usedAt: number;
  /** The receipts that may be asked for again, as JSON; see producer.ts. */
  readonly receipts: string;
}

/** Message ids of a stream that one commit brought, packed; see dedup-ids.ts. */
export interface StoredDedup {
  readonly streamId: number;
  /** By the steady clock. */
  readonly time: number;
  readonly ids: Uint8Array;
}

/** A batch that enters its stream when it is due. All its messages are due at once. */
export interface StoredDelayed {
  readonly id: number;
  readonly streamId: number;
  readonly lane: number;
  /** Whether `dueAt` is by the steady clock (a delay) or by the wall clock (a time of day). */
  readonly isSteady: boolean;
  readonly dueAt: number;
  /** Its `first` and `ordinal` are 0, its `time` is when it was published. */
  readonly batch: Batch;
}

/** Messages `first` to `last` of a group failed, all alike. */
export interface StoredFailure {
  readonly groupId: number;
  readonly first: number;
  readonly last: number;
  readonly attempt: number;
  /** In milliseconds since 1970 UTC. */
  readonly at: number;
  /** 'nack', 'expired' (the lease), 'disconnected', 'rejected'. */
  readonly cause: string;
  readonly error: string;
}

export interface StoredSchedule {
  readonly name: string;
  readonly stream: string;
  /** Everything else, as the engine has it; kept as JSON. */
  readonly definition: Readonly<Record<string, unknown>>;
  /** The record batch that it publishes, as decodeBatch reads it. */
  readonly data: Uint8Array;
  /** When it publishes next, in milliseconds since 1970 UTC. */
  readonly nextAt: number;
}

/** Applied in the order of the fields. Every part may be empty. */
export interface StoreTransaction {
  /** They go first, with all that belongs to them: a stream that is created may have the name of one that is deleted. */
  readonly deletedStreams: readonly number[];
  readonly createdStreams: readonly StoredStream[];
  readonly updatedStreams: readonly { readonly id: number; readonly options: StoredStream['options'] }[];
  readonly batches: readonly { readonly streamId: number; readonly lane: number; readonly batch: Batch }[];
  /** Streams whose counters changed. `bytes` is kept by the store itself. */
  readonly streams: readonly {
    readonly id: number;
    readonly nextSequence: number;
    readonly firstSequence: number;
    readonly messages: number;
    readonly lastTime: number;
    readonly lanes: readonly StoredLane[];
  }[];
  /** Groups go with their positions, windows and failures. */
  readonly deletedGroups: readonly number[];
  readonly groups: readonly StoredGroup[];
  readonly windows: readonly StoredWindow[];
  readonly droppedWindows: readonly {
    readonly groupId: number;
    readonly lane: number;
    readonly window: number;
  }[];
  /** Batches of the lane that lie wholly within one of these go. */
  readonly removals: readonly {
    readonly streamId: number;
    readonly lane: number;
    readonly first: number;
    readonly last: number;
  }[];
  readonly producers: readonly StoredProducer[];
  readonly forgottenProducers: readonly string[];
  readonly delayed: readonly StoredDelayed[];
  /**
   * By id. One that the store has goes before `delayed` is added, which may put another in its place; one that it does
   * not have goes after, as it came in this same commit.
   */
  readonly removedDelayed: readonly number[];
  readonly failures: readonly StoredFailure[];
  /** Failures of the group that end at or before `through` go, if there is a `first` those that begin there or after. */
  readonly droppedFailures: readonly {
    readonly groupId: number;
    readonly first?: number;
    readonly through: number;
  }[];
  readonly dedup: readonly StoredDedup[];
  /** Ids of the stream that came before `before` go. */
  readonly droppedDedup: readonly { readonly streamId: number; readonly before: number }[];
  readonly schedules: readonly StoredSchedule[];
  readonly deletedSchedules: readonly string[];
  /** Empty, or the offset to be kept from now on. */
  readonly clockOffsetMs: readonly number[];
  /** Empty, or what the steady clock shows. */
  readonly clockSteadyMs: readonly number[];
}

export interface StoreCommitted {
  /** What the removals freed, each stream once. */
  readonly removed: readonly { readonly streamId: number; readonly bytes: number }[];
}
