import { decodeEnvelope, encodeEnvelope } from '../envelope/envelope.ts';
import { encodeFrame } from '../frame/frame.ts';
import { Opcode } from '../opcodes.ts';
import { flattenRanges, readRanges, type StreamRanges } from './ranges.ts';

/**
 * ACK 0x34, client to server: these messages are done and are never delivered to the group again. Control:
 *
 *   { follower, entries }
 *
 * `entries` is laid out in ranges.ts. The answer, ACKED 0xb4, is laid out in settled.ts.
 */
export interface Ack {
  readonly follower: number;
  readonly entries: readonly StreamRanges[];
}

export function encodeAck(requestId: number, request: Ack): Buffer {
  const envelope = encodeEnvelope({ follower: request.follower, entries: flattenRanges(request.entries) });
  return encodeFrame(Opcode.Ack, requestId, envelope);
}

export function decodeAck(payload: Buffer): Ack {
  const fields = decodeEnvelope('ACK', payload);
  const request = { follower: fields.integer('follower'), entries: readRanges('ACK', fields) };
  fields.end();
  return request;
}
