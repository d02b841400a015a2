import { decodeEnvelope, encodeEnvelope } from '../envelope/envelope.ts';
import { type Fields, fieldsOf } from '../envelope/fields.ts';
import { encodeFrame } from '../frame/frame.ts';
import { Opcode } from '../opcodes.ts';

/**
 * PENDING 0x18, client to server: the pending entry list of a group, by sequence number. Control:
 *
 *   { stream, group?, follower?, idleMs?, after?, limit? }
 *
 * `follower` and `idleMs` narrow it to one follower and to entries delivered at least that long ago; `after` is the
 * last sequence number of the page before; `limit` counts messages.
 */
export interface Pending {
  readonly stream: string;
  readonly group?: string;
  readonly follower?: number;
  readonly idleMs?: number;
  readonly after?: number;
  readonly limit?: number;
}

/** PENDING_REPLY 0x98, the answer: `{ entries: [ … ], more }`, neighbours with the same fate as one range. */
export interface PendingReply {
  readonly entries: readonly PendingRange[];
  readonly more: boolean;
}

export interface PendingRange {
  readonly first: number;
  readonly last: number;
  /** Who has the lease; absent while the messages wait for their redelivery. */
  readonly follower?: number;
  /** The name of that follower's client. */
  readonly client?: string;
  readonly attempt: number;
  /** Milliseconds since the delivery. */
  readonly idleMs: number;
}

export function encodePending(requestId: number, request: Pending): Buffer {
  return encodeFrame(Opcode.Pending, requestId, encodeEnvelope({ ...request }));
}

export function decodePending(payload: Buffer): Pending {
  const fields = decodeEnvelope('PENDING', payload);
  const stream = fields.string('stream');
  const group = fields.optionalString('group');
  const follower = fields.optionalInteger('follower');
  const idleMs = fields.optionalInteger('idleMs');
  const after = fields.optionalInteger('after');
  const limit = fields.optionalInteger('limit');
  fields.end();
  return {
    stream,
    ...(group !== undefined && { group }),
    ...(follower !== undefined && { follower }),
    ...(idleMs !== undefined && { idleMs }),
    ...(after !== undefined && { after }),
    ...(limit !== undefined && { limit }),
  };
}

export function encodePendingReply(requestId: number, reply: PendingReply): Buffer {
  const entries = reply.entries.map((entry) => ({ ...entry }));
  return encodeFrame(Opcode.PendingReply, requestId, encodeEnvelope({ entries, more: reply.more }));
}

export function decodePendingReply(payload: Buffer): PendingReply {
  const fields = decodeEnvelope('PENDING_REPLY', payload);
  return {
    entries: fields.array('entries').map((entry) => readPendingRange(fieldsOf('a pending entry', entry))),
    more: fields.optionalBoolean('more') ?? false,
  };
}

function readPendingRange(fields: Fields): PendingRange {
  const follower = fields.optionalInteger('follower');
  const client = fields.optionalString('client');
  return {
    first: fields.integer('first'),
    last: fields.integer('last'),
    attempt: fields.integer('attempt'),
    idleMs: fields.integer('idleMs'),
    ...(follower !== undefined && { follower }),
    ...(client !== undefined && { client }),
  };
}
