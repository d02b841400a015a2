import { decodeBatch, type RecordBatch } from '../batch/batch.ts';
import { decodeLeadingEnvelope, encodeEnvelope } from '../envelope/envelope.ts';
import { encodeFrameHead } from '../frame/frame.ts';
import { Opcode } from '../opcodes.ts';
import { readBind, type WireBind } from './bind.ts';

/**
 * PUBLISH 0x20, client to server. Data: an envelope, then a record batch.
 *
 *   { stream | pattern, number, settled, mustMatch? }
 *
 * `number` counts the publishes of the producer from 1; one sent again (after a reconnect) has the same number and is
 * stored once. `settled` promises that no number up to it will be sent again. `mustMatch` makes a pattern that matches
 * no stream an error. The batch reaches every stream of the bind, or none.
 */
export interface Publish {
  readonly bind: WireBind;
  readonly number: number;
  readonly settled: number;
  readonly mustMatch?: boolean;
}

/** The frame up to its batch, which is to be sent right after. */
export function encodePublishHead(requestId: number, publish: Publish, batchBytes: number): Buffer {
  const { bind, number, settled, mustMatch } = publish;
  const envelope = encodeEnvelope({ ...bind, number, settled, mustMatch });
  return encodeFrameHead(Opcode.Publish, requestId, envelope, batchBytes);
}

export function decodePublish(payload: Buffer): Publish & { readonly batch: RecordBatch } {
  const { fields, end } = decodeLeadingEnvelope('PUBLISH', payload);
  const bind = readBind('PUBLISH', fields);
  const number = fields.integer('number');
  const settled = fields.integer('settled');
  const mustMatch = fields.optionalBoolean('mustMatch');
  fields.end();
  const batch = decodeBatch(payload.subarray(end));
  return { bind, number, settled, batch, ...(mustMatch !== undefined && { mustMatch }) };
}
