import { decodeEnvelope, encodeEnvelope } from '../envelope/envelope.ts';
import { encodeFrame } from '../frame/frame.ts';
import { Opcode } from '../opcodes.ts';
import { readStreamOptions, type StreamOptions } from './stream-options.ts';

/**
 * UPDATE_STREAM 0x15, client to server: changes a stream's limits, window or expiry. Control:
 *
 *   { stream, options }
 *
 * `options` are those of stream-options.ts; what is left out stays as it is. `storage` and `retention` cannot be
 * changed.
 */
export interface UpdateStream {
  readonly stream: string;
  readonly options: StreamOptions;
}

export function encodeUpdateStream(requestId: number, request: UpdateStream): Buffer {
  return encodeFrame(Opcode.UpdateStream, requestId, encodeEnvelope({ ...request }));
}

export function decodeUpdateStream(payload: Buffer): UpdateStream {
  const fields = decodeEnvelope('UPDATE_STREAM', payload);
  const request = { stream: fields.string('stream'), options: readStreamOptions(fields.map('options')) };
  fields.end();
  return request;
}

/** STREAM_UPDATED 0x95, the answer: an empty map. */
export function encodeStreamUpdated(requestId: number): Buffer {
  return encodeFrame(Opcode.StreamUpdated, requestId, encodeEnvelope({}));
}
