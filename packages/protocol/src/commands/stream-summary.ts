import { type Fields, fieldsOf } from '../envelope/fields.ts';

/** What LIST_STREAMS and STREAM_INFO tell of a stream. */
export interface StreamSummary {
  readonly name: string;
  readonly storage: string;
  readonly retention: string;
  /** When it was created, in milliseconds since 1970 UTC. */
  readonly createdAt: number;
  /** Messages that it holds. */
  readonly messages: number;
  /** What they take, encoded, in bytes. */
  readonly bytes: number;
  /** The sequence number that the next message gets. */
  readonly nextSequence: number;
  /** Messages before it were removed; the first one that is held, if any is, has this number or a later one. */
  readonly firstSequence: number;
  /** Messages that were taken in and enter the stream later. */
  readonly delayed: number;
  /** The limits as stream-options.ts has them; 0 for none. */
  readonly maxAgeMs: number;
  readonly maxBytes: number;
  readonly maxMessages: number;
  readonly overflow: string;
  readonly dedupWindowMs: number;
  readonly expireAfterMs: number;
  readonly groups: readonly GroupSummary[];
}

export interface GroupSummary {
  readonly name: string;
  readonly followers: number;
  /** Messages not delivered yet. */
  readonly lag: number;
  /** Messages delivered and not acked: the size of the pending entry list. */
  readonly pending: number;
  /** Deliveries beyond a message's first, since the broker started. */
  readonly redelivered: number;
  /** Every message up to this sequence number is acked. */
  readonly ackFloor: number;
}

export function readStreamSummary(fields: Fields): StreamSummary {
  return {
    name: fields.string('name'),
    storage: fields.string('storage'),
    retention: fields.string('retention'),
    createdAt: fields.integer('createdAt'),
    messages: fields.integer('messages'),
    bytes: fields.integer('bytes'),
    nextSequence: fields.integer('nextSequence'),
    firstSequence: fields.integer('firstSequence'),
    delayed: fields.integer('delayed'),
    maxAgeMs: fields.integer('maxAgeMs'),
    maxBytes: fields.integer('maxBytes'),
    maxMessages: fields.integer('maxMessages'),
    overflow: fields.string('overflow'),
    dedupWindowMs: fields.integer('dedupWindowMs'),
    expireAfterMs: fields.integer('expireAfterMs'),
    groups: fields.array('groups').map((group) => readGroupSummary(fieldsOf('a group', group))),
  };
}

export function readGroupSummary(fields: Fields): GroupSummary {
  return {
    name: fields.string('name'),
    followers: fields.integer('followers'),
    lag: fields.integer('lag'),
    pending: fields.integer('pending'),
    redelivered: fields.integer('redelivered'),
    ackFloor: fields.integer('ackFloor'),
  };
}
