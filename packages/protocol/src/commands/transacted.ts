import { decodeEnvelope, encodeEnvelope } from '../envelope/envelope.ts';
import { fieldsOf } from '../envelope/fields.ts';
import { encodeFrame } from '../frame/frame.ts';
import { Opcode } from '../opcodes.ts';
import { type ConfirmedStream, flattenConfirmed, readConfirmed } from './confirmed-streams.ts';

/**
 * TRANSACTED 0xa1, server to client, the answer to TRANSACTION, sent when all of it is as durable as it says. Control:
 *
 *   { publishes: [{ streams, marks? }, …], durability }
 *
 * `publishes` holds for each publish, in their order, what CONFIRM would; see confirmed-streams.ts.
 */
export interface Transacted {
  readonly publishes: readonly (readonly ConfirmedStream[])[];
  readonly durability: string;
}

export function encodeTransacted(requestId: number, reply: Transacted): Buffer {
  const publishes = reply.publishes.map(flattenConfirmed);
  return encodeFrame(
    Opcode.Transacted,
    requestId,
    encodeEnvelope({ publishes, durability: reply.durability }),
  );
}

export function decodeTransacted(payload: Buffer): Transacted {
  const fields = decodeEnvelope('TRANSACTED', payload);
  const publishes = fields
    .array('publishes')
    .map((publish) => readConfirmed('TRANSACTED', fieldsOf('a publish of TRANSACTED', publish)));
  return { publishes, durability: fields.string('durability') };
}
