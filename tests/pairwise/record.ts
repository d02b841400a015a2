/** What was asked to be published, and what became of it. */
export interface Published {
  readonly body: string;
  readonly lane: number;
  readonly key: string | undefined;
  readonly messageId: string | undefined;
  readonly ttlMs: number | undefined;
  /** Not before this time, by performance.now(). */
  readonly notBefore: number;
  /** Whether it was published at once, so that its place in the order is known. */
  readonly order: number | undefined;
  confirmed: boolean;
  /** Refused, or a duplicate: it is nowhere. */
  refused: boolean;
  /** Its broker crashed before the answer came: it may be there or not. */
  unknown: boolean;
  sequence: number | undefined;
}

/** What a group had of one message. */
export interface Seen {
  readonly body: string;
  /** Deliveries that were not settled, by the follower that has them. */
  holder: object | undefined;
  attempt: number;
  acked: boolean;
  /** An ack was asked for whose answer did not come before a crash. */
  ackUnknown: boolean;
}
