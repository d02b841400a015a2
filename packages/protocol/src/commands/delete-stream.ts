import { decodeEnvelope, encodeEnvelope } from '../envelope/envelope.ts';
import { encodeFrame } from '../frame/frame.ts';
import { Opcode } from '../opcodes.ts';

/**
 * DELETE_STREAM 0x11, client to server: the stream, its messages and its groups go. Control:
 *
 *   { stream }
 */
export interface DeleteStream {
  readonly stream: string;
}

export function encodeDeleteStream(requestId: number, request: DeleteStream): Buffer {
  return encodeFrame(Opcode.DeleteStream, requestId, encodeEnvelope({ ...request }));
}

export function decodeDeleteStream(payload: Buffer): DeleteStream {
  const fields = decodeEnvelope('DELETE_STREAM', payload);
  const request = { stream: fields.string('stream') };
  fields.end();
  return request;
}

/** STREAM_DELETED 0x91, the answer: an empty map. */
export function encodeStreamDeleted(requestId: number): Buffer {
  return encodeFrame(Opcode.StreamDeleted, requestId, encodeEnvelope({}));
}
