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
    groups: fields.array('groups').map((group) => readGroupSummary(fieldsOf('a group', group))),
  };
}

function readGroupSummary(fields: Fields): GroupSummary {
  return {
    name: fields.string('name'),
    followers: fields.integer('followers'),
    lag: fields.integer('lag'),
    pending: fields.integer('pending'),
    redelivered: fields.integer('redelivered'),
    ackFloor: fields.integer('ackFloor'),
  };
}
