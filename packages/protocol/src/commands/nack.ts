import { decodeEnvelope, encodeEnvelope } from '../envelope/envelope.ts';
import { encodeFrame } from '../frame/frame.ts';
import { Opcode } from '../opcodes.ts';
import { flattenRanges, readRanges, type StreamRanges } from './ranges.ts';

/**
 * NACK 0x35, client to server: these messages failed and are to be delivered again, one attempt further. Control:
 *
 *   { follower, entries, delayMs?, reason? }
 *
 * `entries` is laid out in ranges.ts. The answer, NACKED 0xb5, is laid out in settled.ts.
 */
export interface Nack {
  readonly follower: number;
  readonly entries: readonly StreamRanges[];
  /** How long they wait, in ms; 0 for not at all. Default: as the group's retry policy has it. */
  readonly delayMs?: number;
  readonly reason?: string;
}

export function encodeNack(requestId: number, request: Nack): Buffer {
  const { follower, entries, delayMs, reason } = request;
  const envelope = encodeEnvelope({ follower, entries: flattenRanges(entries), delayMs, reason });
  return encodeFrame(Opcode.Nack, requestId, envelope);
}

export function decodeNack(payload: Buffer): Nack {
  const fields = decodeEnvelope('NACK', payload);
  const follower = fields.integer('follower');
  const entries = readRanges('NACK', fields);
  const delayMs = fields.optionalInteger('delayMs');
  const reason = fields.optionalString('reason');
  fields.end();
  return {
    follower,
    entries,
    ...(delayMs !== undefined && { delayMs }),
    ...(reason !== undefined && { reason }),
  };
}
