import { decodeEnvelope, encodeEnvelope } from '../envelope/envelope.ts';
import { encodeFrame } from '../frame/frame.ts';
import { Opcode } from '../opcodes.ts';

/**
 * CLOSING 0x03, server to client, request id 0. The server is shutting down: it answers what it has, takes nothing
 * new, and closes. Control:
 *
 *   { reason }
 */
export interface Closing {
  readonly reason: string;
}

export function encodeClosing(closing: Closing): Buffer {
  return encodeFrame(Opcode.Closing, 0, encodeEnvelope({ ...closing }));
}

export function decodeClosing(payload: Buffer): Closing {
  return { reason: decodeEnvelope('CLOSING', payload).string('reason') };
}
