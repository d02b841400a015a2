import { decodeEnvelope, encodeEnvelope } from '../envelope/envelope.ts';
import { isWholeNumber } from '../envelope/fields.ts';
import { ProtocolViolation } from '../errors.ts';
import { encodeFrame } from '../frame/frame.ts';
import { Opcode } from '../opcodes.ts';

/**
 * CONFIRM 0xa0, server to client, the answer to PUBLISH, sent when the batch is as durable as it says. Control:
 *
 *   { streams: ["orders", 1001, "audit", 77], durability }
 *
 * `streams` holds for each stream its name and the sequence number of the batch's first record there; the records
 * after it have the numbers that follow. It is empty when a pattern matched none.
 */
export interface Confirm {
  readonly streams: readonly ConfirmedStream[];
  readonly durability: string;
}

export interface ConfirmedStream {
  readonly stream: string;
  readonly first: number;
}

export function encodeConfirm(requestId: number, confirm: Confirm): Buffer {
  const streams = confirm.streams.flatMap(({ stream, first }) => [stream, first]);
  return encodeFrame(Opcode.Confirm, requestId, encodeEnvelope({ streams, durability: confirm.durability }));
}

export function decodeConfirm(payload: Buffer): Confirm {
  const fields = decodeEnvelope('CONFIRM', payload);
  const flat = fields.array('streams');
  const streams: ConfirmedStream[] = [];
  for (let i = 0; i < flat.length; i += 2) {
    const stream = flat[i];
    const first = flat[i + 1];
    if (typeof stream !== 'string' || !isWholeNumber(first)) {
      throw new ProtocolViolation('CONFIRM.streams must hold pairs of a name and a sequence number');
    }
    streams.push({ stream, first });
  }
  return { streams, durability: fields.string('durability') };
}
