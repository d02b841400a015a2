import { decodeEnvelope, encodeEnvelope } from '../envelope/envelope.ts';
import { encodeFrame } from '../frame/frame.ts';
import { Opcode } from '../opcodes.ts';

/**
 * CANCEL_DELAYED 0x44, client to server: delayed messages never enter the stream. Control:
 *
 *   { stream, ids: [41, 42] }
 *
 * Each id is of one message. One that is due already, or that never was, is passed over.
 */
export interface CancelDelayed {
  readonly stream: string;
  readonly ids: readonly number[];
}

/** DELAYED_CANCELLED 0xc4, the answer: `{ messages }`, how many were cancelled. */
export interface DelayedCancelled {
  readonly messages: number;
}

export function encodeCancelDelayed(requestId: number, request: CancelDelayed): Buffer {
  return encodeFrame(Opcode.CancelDelayed, requestId, encodeEnvelope({ ...request }));
}

export function decodeCancelDelayed(payload: Buffer): CancelDelayed {
  const fields = decodeEnvelope('CANCEL_DELAYED', payload);
  const request = { stream: fields.string('stream'), ids: fields.integers('ids') };
  fields.end();
  return request;
}

export function encodeDelayedCancelled(requestId: number, reply: DelayedCancelled): Buffer {
  return encodeFrame(Opcode.DelayedCancelled, requestId, encodeEnvelope({ ...reply }));
}

export function decodeDelayedCancelled(payload: Buffer): DelayedCancelled {
  return { messages: decodeEnvelope('DELAYED_CANCELLED', payload).integer('messages') };
}
