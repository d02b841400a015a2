import { decodeEnvelope, encodeEnvelope } from '../envelope/envelope.ts';
import { encodeFrame } from '../frame/frame.ts';
import { Opcode } from '../opcodes.ts';
import { readStreamSummary, type StreamSummary } from './stream-summary.ts';

/**
 * STREAM_INFO 0x14, client to server. Control:
 *
 *   { stream }
 *
 * STREAM_INFO_REPLY 0x94, the answer, is a stream summary; see stream-summary.ts.
 */
export interface StreamInfoRequest {
  readonly stream: string;
}

export function encodeStreamInfo(requestId: number, request: StreamInfoRequest): Buffer {
  return encodeFrame(Opcode.StreamInfo, requestId, encodeEnvelope({ ...request }));
}

export function decodeStreamInfo(payload: Buffer): StreamInfoRequest {
  const fields = decodeEnvelope('STREAM_INFO', payload);
  const request = { stream: fields.string('stream') };
  fields.end();
  return request;
}

export function encodeStreamInfoReply(requestId: number, summary: StreamSummary): Buffer {
  return encodeFrame(Opcode.StreamInfoReply, requestId, encodeEnvelope({ ...summary }));
}

export function decodeStreamInfoReply(payload: Buffer): StreamSummary {
  return readStreamSummary(decodeEnvelope('STREAM_INFO_REPLY', payload));
}
