import type {
  Follow,
  ListStreams,
  Pending,
  PendingReply,
  RecordBatch,
  SimpleMQError,
  StreamOptions,
  StreamRanges,
  StreamSummary,
  StreamsListed,
  WireBind,
} from '@simplemq/protocol';

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
  deleteStream(name: string): Promise<void>;
  /** @returns how many messages went */
  purgeStream(name: string): Promise<number>;
  listStreams(request: ListStreams): Promise<StreamsListed>;
  streamInfo(name: string): Promise<StreamSummary>;
  pending(request: Pending): Promise<PendingReply>;

  /**
   * Stores a batch on every stream of the bind, or on none.
   *
   * @returns when it is as durable as the receipt says. Publishes of one producer to one stream get their sequence
   *   numbers in the order of the calls, and their receipts are settled in that order
   */
  publish(request: PublishRequest): Promise<PublishReceipt>;

  /** Begins to hand messages to `sink`, as credit allows. */
  follow(request: FollowRequest, sink: FollowerSink): Promise<EngineFollower>;

  /** Finishes the commits under way, then stops. Followers are told by `sink.ended`. */
  close(): Promise<void>;
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
  /** Makes the publish idempotent: the same id and number again gets the first one's receipt. */
  readonly producer?: ProducerStamp;
}

export interface ProducerStamp {
  /** The producer's 16 bytes, as hex. */
  readonly id: string;
  readonly number: number;
  /** No number up to this one comes again. */
  readonly settled: number;
}

/** The level of durability that was reached, never one that was hoped for. */
export type Durability = 'memory' | 'fsync' | 'quorum';

export interface PublishReceipt {
  /** The sequence number of the batch's first record on each stream; those after it have the numbers that follow. */
  readonly streams: readonly { readonly stream: string; readonly first: number }[];
  readonly durability: Durability;
}

export interface FollowRequest extends Follow {
  /** The name of the follower's client, for those who look at pending entries. */
  readonly client: string;
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
  extend(entries: readonly StreamRanges[]): Promise<readonly StreamRanges[]>;
  release(entries: readonly StreamRanges[]): Promise<readonly StreamRanges[]>;
  /** Ends it; what it holds goes back at once, one attempt further. */
  close(): void;
}

export interface NackOptions {
  /** Default 0: at once. */
  readonly delayMs?: number;
  readonly reason?: string;
}
