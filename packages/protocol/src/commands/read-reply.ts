import { BATCH_HEADER_BYTES, decodeBatch, encodeBatchHead, type RecordBatch } from '../batch/batch.ts';
import { decodeLeadingEnvelope, encodeEnvelope } from '../envelope/envelope.ts';
import { isWholeNumber } from '../envelope/fields.ts';
import { ProtocolViolation } from '../errors.ts';
import { FRAME_HEADER_BYTES, writeFrameHeader } from '../frame/frame.ts';
import type { Opcode } from '../opcodes.ts';

/**
 * READ_REPLY 0x96 and DEAD_LETTERS_REPLY 0xc0, server to client, the answers to READ and DEAD_LETTERS. Data: an
 * envelope, then as many record batches as it has runs, one after the other.
 *
 *   { runs: [1001, 1767323045678, 64,  1040, 1767323046011, 31], next, more }
 *            └ first, time, bytes
 *
 * A run is of neighbouring messages: `first` is the sequence number of its first record, `time` is when the broker
 * took them in (milliseconds since 1970 UTC), `bytes` the length of its batch. `next` is the sequence number to go on
 * from, and `more` says that there is more from there on.
 */
export interface ReadReply {
  readonly runs: readonly ReadReplyRun[];
  readonly next: number;
  readonly more: boolean;
}

export interface ReadReplyRun {
  readonly first: number;
  readonly time: number;
  readonly batch: RecordBatch;
}

/** A page as an engine has it: runs whose records are still where they lie. */
export interface ReadReplyPage {
  readonly runs: readonly (RecordBatch & Pick<ReadReplyRun, 'first' | 'time'>)[];
  readonly next: number;
  readonly more: boolean;
}

export function encodeReadReply(requestId: number, opcode: Opcode, page: ReadReplyPage): Buffer {
  const runs = page.runs.flatMap(({ first, time, shared, records }) => [
    first,
    time,
    BATCH_HEADER_BYTES + shared.length + records.length,
  ]);
  const envelope = encodeEnvelope({ runs, next: page.next, more: page.more });
  const batches = page.runs.flatMap(({ count, flags, shared, records }) => [
    encodeBatchHead(count, flags, shared, records),
    records,
  ]);
  const head = Buffer.allocUnsafe(FRAME_HEADER_BYTES);
  const frame = Buffer.concat([head, envelope, ...batches]);
  writeFrameHeader(frame, opcode, requestId, frame.length - FRAME_HEADER_BYTES);
  return frame;
}

export function decodeReadReply(payload: Buffer): ReadReply {
  const { fields, end } = decodeLeadingEnvelope('an answer to READ or DEAD_LETTERS', payload);
  const flat = fields.array('runs');
  if (flat.length % 3 !== 0 || !flat.every(isWholeNumber)) {
    throw new ProtocolViolation('an answer must have runs as triples of first, time and bytes');
  }
  const runs: ReadReplyRun[] = [];
  let offset = end;
  for (let i = 0; i < flat.length; i += 3) {
    const batchEnd = offset + flat[i + 2]!;
    // A batch past the end of the payload is refused by its own header.
    runs.push({
      first: flat[i]!,
      time: flat[i + 1]!,
      batch: decodeBatch(payload.subarray(offset, batchEnd)),
    });
    offset = batchEnd;
  }
  if (offset !== payload.length) throw new ProtocolViolation('an answer has bytes after its last batch');
  return { runs, next: fields.integer('next'), more: fields.optionalBoolean('more') ?? false };
}
