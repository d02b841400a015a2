import { decodeEnvelope, encodeEnvelope } from '../envelope/envelope.ts';
import { present } from '../envelope/present.ts';
import { encodeFrame } from '../frame/frame.ts';
import { Opcode } from '../opcodes.ts';
import { flattenRanges, readRanges, type StreamRanges } from './ranges.ts';

/**
 * REJECT 0x39, client to server: these messages can never be handled; they go to the dead letters of their stream, and
 * are done for the group. Control:
 *
 *   { follower, entries, reason? }
 *
 * `entries` is laid out in ranges.ts. The answer, REJECTED 0xb9, is laid out in settled.ts.
 */
export interface Reject {
  readonly follower: number;
  readonly entries: readonly StreamRanges[];
  readonly reason?: string;
}

export function encodeReject(requestId: number, request: Reject): Buffer {
  const { follower, entries, reason } = request;
  const envelope = encodeEnvelope({ follower, entries: flattenRanges(entries), reason });
  return encodeFrame(Opcode.Reject, requestId, envelope);
}

export function decodeReject(payload: Buffer): Reject {
  const fields = decodeEnvelope('REJECT', payload);
  const request = present<Reject>({
    follower: fields.integer('follower'),
    entries: readRanges('REJECT', fields),
    reason: fields.optionalString('reason'),
  });
  fields.end();
  return request;
}
