import { decodeEnvelope, encodeEnvelope } from '../envelope/envelope.ts';
import { encodeFrame } from '../frame/frame.ts';
import { Opcode } from '../opcodes.ts';

/**
 * PURGE_STREAM 0x12, client to server: every message that the stream holds goes, delivered or not; its sequence
 * numbers go on. Control:
 *
 *   { stream }
 */
export interface PurgeStream {
  readonly stream: string;
}

/** STREAM_PURGED 0x92, the answer: `{ messages }`, how many went. */
export interface StreamPurged {
  readonly messages: number;
}

export function encodePurgeStream(requestId: number, request: PurgeStream): Buffer {
  return encodeFrame(Opcode.PurgeStream, requestId, encodeEnvelope({ ...request }));
}

export function decodePurgeStream(payload: Buffer): PurgeStream {
  const fields = decodeEnvelope('PURGE_STREAM', payload);
  const request = { stream: fields.string('stream') };
  fields.end();
  return request;
}

export function encodeStreamPurged(requestId: number, reply: StreamPurged): Buffer {
  return encodeFrame(Opcode.StreamPurged, requestId, encodeEnvelope({ ...reply }));
}

export function decodeStreamPurged(payload: Buffer): StreamPurged {
  return { messages: decodeEnvelope('STREAM_PURGED', payload).integer('messages') };
}
