import { decodeBatch, type RecordBatch } from '../batch/batch.ts';
import { decodeLeadingEnvelope, encodeEnvelope } from '../envelope/envelope.ts';
import { encodeFrameHead } from '../frame/frame.ts';
import { Opcode } from '../opcodes.ts';

/**
 * DELIVER 0x33, server to client, request id 0, no answer. Data: an envelope, then a record batch.
 *
 *   { follower, stream, first, attempt, time }
 *
 * `first` is the sequence number of the batch's first record; the records after it have the numbers that follow, and
 * all of them this `attempt`. `time` is when the broker took them in, in milliseconds since 1970 UTC.
 */
export interface Deliver {
  readonly follower: number;
  readonly stream: string;
  readonly first: number;
  readonly attempt: number;
  readonly time: number;
}

/** The frame up to its batch, which is to be sent right after. */
export function encodeDeliverHead(deliver: Deliver, batchBytes: number): Buffer {
  return encodeFrameHead(Opcode.Deliver, 0, encodeEnvelope({ ...deliver }), batchBytes);
}

export function decodeDeliver(payload: Buffer): Deliver & { readonly batch: RecordBatch } {
  const { fields, end } = decodeLeadingEnvelope('DELIVER', payload);
  return {
    follower: fields.integer('follower'),
    stream: fields.string('stream'),
    first: fields.integer('first'),
    attempt: fields.integer('attempt'),
    time: fields.integer('time'),
    batch: decodeBatch(payload.subarray(end)),
  };
}
