import type {
  CancelDelayed,
  CreateGroup,
  DeadLetterPage,
  DelayedListed,
  Follow,
  GroupInfo,
  GroupOptions,
  LettersMoved,
  ListDelayed,
  ListStreams,
  Pending,
  PendingReply,
  PurgeStream,
  Read,
  RecordBatch,
  ResetGroup,
  ScheduleSummary,
  SimpleMQError,
  StreamOptions,
  StreamRanges,
  StreamSummary,
  StreamsListed,
  WireBind,
} from '@simplemq/protocol';
import type { BackupPiece, StoreHealth } from '../store/store.ts';

/**
 * Which streams there are for whoever asks, by name. Where a request has one, the others are as if they did not exist: a
 * pattern does not match them, a list does not show them, and a schedule that publishes to one of them is not found.
 */
export type StreamFilter = (stream: string) => boolean;

/**
 * What keeps streams and groups. Everything outside this package (TCP sessions, gateways) speaks to a broker through
 * this interface and nothing else. It speaks in batches and ranges, and is asynchronous, so that SQLite, memory and a
 * replicated log can each stand behind it.
 *
 * Every method rejects with a SimpleMQError; an engine that failed rejects everything with StorageFailed.
 */
export interface Engine {
  /** What this engine can do beyond the least, as WELCOME tells it. */
  readonly features: readonly string[];

  /** A stopped engine says why: settles when the engine failed or was closed. */
  readonly ended: Promise<EngineEnd>;

  /** @returns whether it was created now; StreamConflict when it is there with other options */
  createStream(name: string, options: StreamOptions): Promise<boolean>;
  /** Changes limits, window or expiry; what is left out stays, and 0 takes a limit away. */
  updateStream(name: string, options: StreamOptions): Promise<void>;
  deleteStream(name: string): Promise<void>;
  /** @returns how many messages went */
  purgeStream(request: PurgeStream): Promise<number>;
  listStreams(request: ListStreams, visible?: StreamFilter): Promise<StreamsListed>;
  streamInfo(name: string): Promise<StreamSummary>;
  /** A page of what the stream holds, by sequence number; consumes nothing. */
  read(request: Read): Promise<ReadPage>;

  /** @returns whether it was created now; StreamConflict when it is there with other options */
  createGroup(request: CreateGroup): Promise<boolean>;
  updateGroup(stream: string, group: string, options: GroupOptions): Promise<void>;
  deleteGroup(stream: string, group: string): Promise<void>;
  listGroups(stream: string): Promise<readonly GroupInfo[]>;
  groupInfo(stream: string, group: string): Promise<GroupInfo>;
  /** Moves the group: everything from there on is delivered (again), in attempt 1, and nothing before. */
  resetGroup(request: ResetGroup): Promise<void>;
  pending(request: Pending): Promise<PendingReply>;

  /** Dead letters of a stream that match; a page may be empty and yet not the last. */
  deadLetters(request: DeadLetterPage): Promise<ReadPage>;
  /** Puts those of one page back into the stream, each for the group in which it died. */
  redrive(request: DeadLetterPage): Promise<LettersMoved>;
  deleteDeadLetters(request: DeadLetterPage): Promise<LettersMoved>;

  listDelayed(request: ListDelayed): Promise<DelayedListed>;
  /** @returns how many were cancelled; the others are due already, or were never there */
  cancelDelayed(request: CancelDelayed): Promise<number>;

  /** Creates a schedule or puts another definition in its place; Forbidden when that one's stream is not visible. */
  saveSchedule(request: ScheduleRequest, visible?: StreamFilter): Promise<ScheduleSummary>;
  listSchedules(visible?: StreamFilter): Promise<readonly ScheduleSummary[]>;
  /** Pauses or resumes; a schedule that is resumed goes on with its next time from now. */
  pauseSchedule(name: string, paused: boolean, visible?: StreamFilter): Promise<ScheduleSummary>;
  deleteSchedule(name: string, visible?: StreamFilter): Promise<void>;

  /**
   * Stores a batch on every stream of the bind, or on none.
   *
   * @returns when it is as durable as the receipt says. Publishes of one producer to one stream get their sequence
   *   numbers in the order of the calls, and their receipts are settled in that order
   */
  publish(request: PublishRequest): Promise<PublishReceipt>;

  /**
   * Publishes and acks in one commit, or none of them.
   *
   * @throws StaleAck when one of the acks comes too late; whatever a publish may throw
   */
  transaction(request: TransactionRequest): Promise<TransactionReceipt>;

  /** Begins to hand messages to `sink`, as credit allows. */
  follow(request: FollowRequest, sink: FollowerSink): Promise<EngineFollower>;

  /**
   * Begins a copy of all that is confirmed by now, as restoreBackup reads it; everything goes on meanwhile.
   *
   * @throws BackupRunning, as there is one at a time
   */
  beginBackup(options: BackupOptions): Promise<EngineBackup>;

  /** How its storage is doing, without a question to it. */
  health(): StoreHealth;

  /** Finishes the commits under way, then stops. Followers are told by `sink.ended`. */
  close(): Promise<void>;
}

export interface BackupOptions {
  /** About the most that one piece has, in bytes. */
  readonly pieceBytes: number;
  /** How long its owner may be behind, at 128 KiB a second, before the backup is ended. */
  readonly patienceMs: number;
}

/** A backup, as its owner (a session) holds it. */
export interface EngineBackup {
  /** About how many bytes it has. */
  readonly bytes: number;
  /**
   * The next piece; it is the last, and the backup over, without `more`. May be called again before it has answered.
   *
   * @throws BackupNotFound when the backup is over
   */
  read(): Promise<BackupPiece>;
  /** No more of it is wanted. */
  end(): Promise<void>;
}

export interface EngineEnd {
  /** Absent when the engine was closed as asked. */
  readonly error?: Error;
}

export interface PublishRequest {
  readonly bind: WireBind;
  readonly batch: RecordBatch;
  /** A pattern that matches no stream is NoMatchingStream. */
  readonly mustMatch?: boolean;
  /** The streams that a pattern may match. */
  readonly visible?: StreamFilter;
  /** Makes the publish idempotent: the same id and number again gets the first one's receipt. */
  readonly producer?: ProducerStamp;
}

export interface ProducerStamp {
  /** The producer's 16 bytes, as hex. */
  readonly id: string;
  readonly number: number;
  /** No number up to this one comes again. */
  readonly settled: number;
  /** How many it may have unanswered, as it was told. Default UNCONFIRMED_BATCHES_MAX. */
  readonly unconfirmedMax?: number;
}

/** The level of durability that was reached, never one that was hoped for. */
export type Durability = 'memory' | 'fsync' | 'quorum';

export interface PublishReceipt {
  readonly streams: readonly PlacedBatch[];
  readonly durability: Durability;
}

/** Where the records of a batch are on one stream. */
export interface PlacedBatch {
  readonly stream: string;
  /** The sequence number of the first record that is in neither list; those after it have the numbers that follow. */
  readonly first: number;
  /** Records whose message id was known: pairs of the record's index and the first message's number (0: delayed). */
  readonly duplicates?: readonly number[];
  /** Records that enter the stream later: pairs of the record's index and the id of the delayed message. */
  readonly delayed?: readonly number[];
}

export interface TransactionRequest {
  readonly publishes: readonly Pick<PublishRequest, 'bind' | 'batch' | 'mustMatch' | 'visible'>[];
  readonly acks: readonly {
    readonly follower: EngineFollower;
    readonly entries: readonly StreamRanges[];
  }[];
  readonly producer?: ProducerStamp;
}

export interface TransactionReceipt {
  /** Of each publish, in order. */
  readonly publishes: readonly (readonly PlacedBatch[])[];
  readonly durability: Durability;
}

/** Messages of a stream as they are read without a group. */
export interface ReadPage {
  readonly runs: readonly ReadRun[];
  /** The sequence number to go on from. */
  readonly next: number;
  /** Whether there is more from there on, now. */
  readonly more: boolean;
}

export interface ReadRun {
  readonly first: number;
  readonly count: number;
  readonly time: number;
  readonly flags: number;
  readonly shared: Buffer;
  readonly records: Buffer;
}

export interface ScheduleRequest {
  readonly name: string;
  readonly stream: string;
  /** Five or six fields, as croner reads them. */
  readonly cron: string;
  /** An IANA name; default UTC. */
  readonly timezone?: string;
  /** One record: what is published each time. */
  readonly batch: RecordBatch;
}

export interface FollowRequest extends Follow {
  /** The name of the follower's client, for those who look at pending entries. */
  readonly client: string;
  /** The streams that a pattern may match, those that are created later among them. */
  readonly visible?: StreamFilter;
}

/** A run of neighbouring messages of one stream, all in the same attempt. */
export interface DeliveredRun {
  readonly stream: string;
  readonly first: number;
  readonly count: number;
  readonly attempt: number;
  /** When the broker took them in, in milliseconds since 1970 UTC. */
  readonly time: number;
  /** Of the batch that they were published in. */
  readonly flags: number;
  readonly shared: Buffer;
  readonly records: Buffer;
}

/** Where an engine puts a follower's messages. */
export interface FollowerSink {
  /** Looked at before each delivery: whether none should come until `EngineFollower.resume`. */
  isFull?(): boolean;
  /** @returns false when no more should come until `EngineFollower.resume` */
  deliver(run: DeliveredRun): boolean;
  /** The follower is over, by no wish of its own: its stream was deleted, or the engine ends. */
  ended(reason: SimpleMQError): void;
}

/** One follower, as its owner (a session) holds it. */
export interface EngineFollower {
  readonly id: number;
  readonly leaseMs: number;
  /** Totals since follow; see CREDIT in the protocol. */
  credit(upTo: number, bytesUpTo: number): void;
  /** The sink takes messages again. */
  resume(): void;
  /**
   * Each of these settles when it is durable, with the ranges that came too late; nothing of those was changed.
   */
  ack(entries: readonly StreamRanges[]): Promise<readonly StreamRanges[]>;
  nack(entries: readonly StreamRanges[], options: NackOptions): Promise<readonly StreamRanges[]>;
  /** Moves messages to the dead letters; settles when they are there. */
  reject(entries: readonly StreamRanges[], options: RejectOptions): Promise<readonly StreamRanges[]>;
  extend(entries: readonly StreamRanges[]): Promise<readonly StreamRanges[]>;
  release(entries: readonly StreamRanges[]): Promise<readonly StreamRanges[]>;
  /** It leaves: what it holds goes back at once, one attempt further. */
  close(): void;
  /** Its client is gone: as close, but what it holds has failed, and waits as the retry policy says. */
  lose(): void;
}

export interface NackOptions {
  /** Default: as the group's retry policy has it; 0: at once. */
  readonly delayMs?: number;
  readonly reason?: string;
}

export interface RejectOptions {
  readonly reason?: string;
}
