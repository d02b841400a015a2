import { decodeEnvelope, encodeEnvelope } from '../envelope/envelope.ts';
import { encodeFrame } from '../frame/frame.ts';
import type { Opcode } from '../opcodes.ts';
import { flattenRanges, readRanges, type StreamRanges } from './ranges.ts';

/**
 * What ACK, NACK, EXTEND, RELEASE and REJECT are answered with once it is durable. Control:
 *
 *   { stale: ["orders", [7, 9, 1]] }
 *
 * `stale` holds the ranges that came too late: acked already, or leased to another or in another attempt by now.
 * Nothing of those was changed; the rest was done.
 */
export interface Settled {
  readonly stale: readonly StreamRanges[];
}

export function encodeSettled(opcode: Opcode, requestId: number, reply: Settled): Buffer {
  return encodeFrame(opcode, requestId, encodeEnvelope({ stale: flattenRanges(reply.stale) }));
}

export function decodeSettled(payload: Buffer): Settled {
  const fields = decodeEnvelope('an answer to ACK, NACK, EXTEND, RELEASE or REJECT', payload);
  return { stale: readRanges('an answer', fields, 'stale') };
}
