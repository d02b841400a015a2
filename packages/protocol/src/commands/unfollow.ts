import { decodeEnvelope, encodeEnvelope } from '../envelope/envelope.ts';
import { encodeFrame } from '../frame/frame.ts';
import { Opcode } from '../opcodes.ts';

/**
 * UNFOLLOW 0x31, client to server: ends a follower. What it still holds goes back at once, one attempt further; hand
 * back with RELEASE first what was not begun. Control:
 *
 *   { follower }
 */
export interface Unfollow {
  readonly follower: number;
}

export function encodeUnfollow(requestId: number, request: Unfollow): Buffer {
  return encodeFrame(Opcode.Unfollow, requestId, encodeEnvelope({ ...request }));
}

export function decodeUnfollow(payload: Buffer): Unfollow {
  const fields = decodeEnvelope('UNFOLLOW', payload);
  const request = { follower: fields.integer('follower') };
  fields.end();
  return request;
}

/** UNFOLLOWED 0xb1, the answer: an empty map. No DELIVER for the follower comes after it. */
export function encodeUnfollowed(requestId: number): Buffer {
  return encodeFrame(Opcode.Unfollowed, requestId, encodeEnvelope({}));
}
