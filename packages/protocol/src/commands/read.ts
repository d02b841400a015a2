import { decodeEnvelope, encodeEnvelope } from '../envelope/envelope.ts';
import { present } from '../envelope/present.ts';
import { encodeFrame } from '../frame/frame.ts';
import { Opcode } from '../opcodes.ts';
import { readOptionalStartFrom, type StartFrom } from './start-from.ts';

/**
 * READ 0x16, client to server: a page of what a stream holds, by sequence number; consumes nothing. Control:
 *
 *   { stream, startFrom?, limit? }
 *
 * `startFrom` is laid out in start-from.ts; `limit` counts messages, and a page may have fewer. The answer,
 * READ_REPLY 0x96, is laid out in read-reply.ts.
 */
export interface Read {
  readonly stream: string;
  /** Default 'first'. */
  readonly startFrom?: StartFrom;
  readonly limit?: number;
}

export function encodeRead(requestId: number, request: Read): Buffer {
  return encodeFrame(Opcode.Read, requestId, encodeEnvelope({ ...request }));
}

export function decodeRead(payload: Buffer): Read {
  const fields = decodeEnvelope('READ', payload);
  const request = present<Read>({
    stream: fields.string('stream'),
    startFrom: readOptionalStartFrom('READ', fields),
    limit: fields.optionalInteger('limit'),
  });
  fields.end();
  return request;
}
