import { decodeEnvelope, encodeEnvelope } from '../envelope/envelope.ts';
import { encodeFrame } from '../frame/frame.ts';
import { Opcode } from '../opcodes.ts';

/**
 * CREDIT 0x32, client to server, no answer. Control:
 *
 *   { follower, upTo, bytesUpTo }
 *
 * Credit is told as totals since FOLLOW, so that nothing in flight can make the two sides disagree: the server
 * delivers while fewer than `upTo` messages and fewer than `bytesUpTo` bytes of records were delivered. A lower total
 * than before takes back credit that was not used yet.
 */
export interface Credit {
  readonly follower: number;
  readonly upTo: number;
  readonly bytesUpTo: number;
}

export function encodeCredit(credit: Credit): Buffer {
  return encodeFrame(Opcode.Credit, 0, encodeEnvelope({ ...credit }));
}

export function decodeCredit(payload: Buffer): Credit {
  const fields = decodeEnvelope('CREDIT', payload);
  const credit = {
    follower: fields.integer('follower'),
    upTo: fields.integer('upTo'),
    bytesUpTo: fields.integer('bytesUpTo'),
  };
  fields.end();
  return credit;
}
