import { decodeEnvelope, encodeEnvelope } from '../envelope/envelope.ts';
import { encodeFrame } from '../frame/frame.ts';
import { Opcode } from '../opcodes.ts';
import { readBind, type WireBind } from './bind.ts';

/**
 * FOLLOW 0x30, client to server: begins to take messages of every stream of the bind. Control:
 *
 *   { stream | pattern, group?, leaseMs?, upTo, bytesUpTo }
 *
 * `upTo` and `bytesUpTo` are the first credit; see credit.ts.
 */
export interface Follow {
  readonly bind: WireBind;
  /** Default `workers`. */
  readonly group?: string;
  /** How long a lease lasts unless extended, in ms; default 30,000. */
  readonly leaseMs?: number;
  readonly upTo: number;
  readonly bytesUpTo: number;
}

/** FOLLOWING 0xb0, the answer: `{ follower, leaseMs }`. `follower` names it in all that follows. */
export interface Following {
  readonly follower: number;
  readonly leaseMs: number;
}

export function encodeFollow(requestId: number, follow: Follow): Buffer {
  const { bind, ...rest } = follow;
  return encodeFrame(Opcode.Follow, requestId, encodeEnvelope({ ...bind, ...rest }));
}

export function decodeFollow(payload: Buffer): Follow {
  const fields = decodeEnvelope('FOLLOW', payload);
  const bind = readBind('FOLLOW', fields);
  const group = fields.optionalString('group');
  const leaseMs = fields.optionalInteger('leaseMs');
  const upTo = fields.integer('upTo');
  const bytesUpTo = fields.integer('bytesUpTo');
  fields.end();
  return {
    bind,
    upTo,
    bytesUpTo,
    ...(group !== undefined && { group }),
    ...(leaseMs !== undefined && { leaseMs }),
  };
}

export function encodeFollowing(requestId: number, reply: Following): Buffer {
  return encodeFrame(Opcode.Following, requestId, encodeEnvelope({ ...reply }));
}

export function decodeFollowing(payload: Buffer): Following {
  const fields = decodeEnvelope('FOLLOWING', payload);
  return { follower: fields.integer('follower'), leaseMs: fields.integer('leaseMs') };
}
