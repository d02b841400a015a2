import { decodeEnvelope, encodeEnvelope } from '../envelope/envelope.ts';
import { isErrorCode } from '../error-codes.ts';
import { errorOf, type SimpleMQError, Unsupported } from '../errors.ts';
import { encodeFrame } from '../frame/frame.ts';
import { Opcode } from '../opcodes.ts';

/**
 * FOLLOWER_ENDED 0x38, server to client, request id 0, no answer: a follower is over by no wish of its own, as when
 * its stream was deleted. What it held is not its own any more. Control:
 *
 *   { follower, code, message }
 */
export interface FollowerEnded {
  readonly follower: number;
  readonly error: SimpleMQError;
}

export function encodeFollowerEnded({ follower, error }: FollowerEnded): Buffer {
  const envelope = encodeEnvelope({ follower, code: error.code, message: error.message });
  return encodeFrame(Opcode.FollowerEnded, 0, envelope);
}

export function decodeFollowerEnded(payload: Buffer): FollowerEnded {
  const fields = decodeEnvelope('FOLLOWER_ENDED', payload);
  const follower = fields.integer('follower');
  const code = fields.string('code');
  const message = fields.string('message');
  const known = isErrorCode(code);
  return { follower, error: known ? errorOf(code, message) : new Unsupported(`${code}: ${message}`) };
}
