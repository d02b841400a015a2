import { decodeEnvelope, encodeEnvelope } from '../envelope/envelope.ts';
import { encodeFrame } from '../frame/frame.ts';
import { Opcode } from '../opcodes.ts';
import { readStreamOptions, type StreamOptions } from './stream-options.ts';

/**
 * CREATE_STREAM 0x10, client to server. Control:
 *
 *   { stream, options? }
 *
 * `options` are those of stream-options.ts. Creating a stream that is there with the same options changes nothing; with others it is StreamConflict.
 */
export interface CreateStream {
  readonly stream: string;
  readonly options: StreamOptions;
}

/** STREAM_CREATED 0x90, the answer: `{ created }`, false when the stream was there already. */
export interface StreamCreated {
  readonly created: boolean;
}

export function encodeCreateStream(requestId: number, request: CreateStream): Buffer {
  return encodeFrame(Opcode.CreateStream, requestId, encodeEnvelope({ ...request }));
}

export function decodeCreateStream(payload: Buffer): CreateStream {
  const fields = decodeEnvelope('CREATE_STREAM', payload);
  const request = {
    stream: fields.string('stream'),
    options: readStreamOptions(fields.optionalMap('options')),
  };
  fields.end();
  return request;
}

export function encodeStreamCreated(requestId: number, reply: StreamCreated): Buffer {
  return encodeFrame(Opcode.StreamCreated, requestId, encodeEnvelope({ ...reply }));
}

export function decodeStreamCreated(payload: Buffer): StreamCreated {
  return { created: decodeEnvelope('STREAM_CREATED', payload).optionalBoolean('created') ?? false };
}
