import { decodeEnvelope, encodeEnvelope } from '../envelope/envelope.ts';
import { present } from '../envelope/present.ts';
import { ProtocolViolation } from '../errors.ts';
import { encodeFrame } from '../frame/frame.ts';
import { Opcode } from '../opcodes.ts';

/**
 * PURGE_STREAM 0x12, client to server: messages that the stream holds go, delivered or not; its sequence numbers go
 * on. Control:
 *
 *   { stream, sequence? | time? }
 *
 * With `sequence` those before it go, with `time` those taken in before it, with neither all of them.
 */
export interface PurgeStream {
  readonly stream: string;
  /** The first message that stays. */
  readonly sequence?: number;
  /** In milliseconds since 1970 UTC. */
  readonly time?: number;
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
  const request = present<PurgeStream>({
    stream: fields.string('stream'),
    sequence: fields.optionalInteger('sequence'),
    time: fields.optionalInteger('time'),
  });
  fields.end();
  if (request.sequence !== undefined && request.time !== undefined) {
    throw new ProtocolViolation("PURGE_STREAM has both 'sequence' and 'time'; it may have one of them");
  }
  return request;
}

export function encodeStreamPurged(requestId: number, reply: StreamPurged): Buffer {
  return encodeFrame(Opcode.StreamPurged, requestId, encodeEnvelope({ ...reply }));
}

export function decodeStreamPurged(payload: Buffer): StreamPurged {
  return { messages: decodeEnvelope('STREAM_PURGED', payload).integer('messages') };
}
