import { decodeEnvelope, encodeEnvelope } from '../envelope/envelope.ts';
import { encodeFrame } from '../frame/frame.ts';
import { Opcode } from '../opcodes.ts';
import { flattenRanges, readRanges, type StreamRanges } from './ranges.ts';

/**
 * RELEASE 0x37, client to server: these messages were not begun and go back at once, their attempt unchanged. Control:
 *
 *   { follower, entries }
 *
 * `entries` is laid out in ranges.ts. The answer, RELEASED 0xb7, is laid out in settled.ts.
 */
export interface Release {
  readonly follower: number;
  readonly entries: readonly StreamRanges[];
}

export function encodeRelease(requestId: number, request: Release): Buffer {
  const envelope = encodeEnvelope({ follower: request.follower, entries: flattenRanges(request.entries) });
  return encodeFrame(Opcode.Release, requestId, envelope);
}

export function decodeRelease(payload: Buffer): Release {
  const fields = decodeEnvelope('RELEASE', payload);
  const request = { follower: fields.integer('follower'), entries: readRanges('RELEASE', fields) };
  fields.end();
  return request;
}
