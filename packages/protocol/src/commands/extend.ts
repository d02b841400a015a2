import { decodeEnvelope, encodeEnvelope } from '../envelope/envelope.ts';
import { encodeFrame } from '../frame/frame.ts';
import { Opcode } from '../opcodes.ts';
import { flattenRanges, readRanges, type StreamRanges } from './ranges.ts';

/**
 * EXTEND 0x36, client to server: the leases of these messages begin anew, for the follower's `leaseMs`. Control:
 *
 *   { follower, entries }
 *
 * `entries` is laid out in ranges.ts. The answer, EXTENDED 0xb6, is laid out in settled.ts.
 */
export interface Extend {
  readonly follower: number;
  readonly entries: readonly StreamRanges[];
}

export function encodeExtend(requestId: number, request: Extend): Buffer {
  const envelope = encodeEnvelope({ follower: request.follower, entries: flattenRanges(request.entries) });
  return encodeFrame(Opcode.Extend, requestId, envelope);
}

export function decodeExtend(payload: Buffer): Extend {
  const fields = decodeEnvelope('EXTEND', payload);
  const request = { follower: fields.integer('follower'), entries: readRanges('EXTEND', fields) };
  fields.end();
  return request;
}
