import { decodeEnvelope, encodeEnvelope } from '../envelope/envelope.ts';
import { present } from '../envelope/present.ts';
import { encodeFrame } from '../frame/frame.ts';
import { Opcode } from '../opcodes.ts';
import { readBind, type WireBind } from './bind.ts';
import { type GroupOptions, readOptionalGroupOptions } from './group-options.ts';
import { readOptionalStartFrom, type StartFrom } from './start-from.ts';

/**
 * FOLLOW 0x30, client to server: begins to take messages of every stream of the bind. Control:
 *
 *   { stream | pattern, group?, leaseMs?, startFrom?, options?, upTo, bytesUpTo }
 *
 * `upTo` and `bytesUpTo` are the first credit; see credit.ts. `startFrom` (start-from.ts) and `options`
 * (group-options.ts) are for groups that come to be with this follower; one that is there with another value of an
 * option that is given is StreamConflict.
 */
export interface Follow {
  readonly bind: WireBind;
  /** Default `workers`. */
  readonly group?: string;
  /** How long a lease lasts unless extended, in ms; default 30,000. */
  readonly leaseMs?: number;
  /** Where a group that is created now begins; default 'first'. */
  readonly startFrom?: StartFrom;
  /** What a group that is created now is like. */
  readonly options?: GroupOptions;
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
  const follow = present<Follow>({
    bind: readBind('FOLLOW', fields),
    upTo: fields.integer('upTo'),
    bytesUpTo: fields.integer('bytesUpTo'),
    group: fields.optionalString('group'),
    leaseMs: fields.optionalInteger('leaseMs'),
    startFrom: readOptionalStartFrom('FOLLOW', fields),
    options: readOptionalGroupOptions(fields),
  });
  fields.end();
  return follow;
}

export function encodeFollowing(requestId: number, reply: Following): Buffer {
  return encodeFrame(Opcode.Following, requestId, encodeEnvelope({ ...reply }));
}

export function decodeFollowing(payload: Buffer): Following {
  const fields = decodeEnvelope('FOLLOWING', payload);
  return { follower: fields.integer('follower'), leaseMs: fields.integer('leaseMs') };
}
