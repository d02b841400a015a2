import { decodeEnvelope, encodeEnvelope } from '../envelope/envelope.ts';
import { encodeFrame } from '../frame/frame.ts';
import { Opcode } from '../opcodes.ts';
import { type ConfirmedStream, flattenConfirmed, readConfirmed } from './confirmed-streams.ts';

/**
 * CONFIRM 0xa0, server to client, the answer to PUBLISH, sent when the batch is as durable as it says. Control:
 *
 *   { streams, marks?, durability }
 *
 * `streams` and `marks` are laid out in confirmed-streams.ts. They are empty when a pattern matched none.
 */
export interface Confirm {
  readonly streams: readonly ConfirmedStream[];
  readonly durability: string;
}

export function encodeConfirm(requestId: number, confirm: Confirm): Buffer {
  const placed = flattenConfirmed(confirm.streams);
  return encodeFrame(
    Opcode.Confirm,
    requestId,
    encodeEnvelope({ ...placed, durability: confirm.durability }),
  );
}

export function decodeConfirm(payload: Buffer): Confirm {
  const fields = decodeEnvelope('CONFIRM', payload);
  return { streams: readConfirmed('CONFIRM', fields), durability: fields.string('durability') };
}
