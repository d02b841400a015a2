import { decodeBatch, type RecordBatch } from '../batch/batch.ts';
import { decodeLeadingEnvelope, encodeEnvelope } from '../envelope/envelope.ts';
import { type Fields, fieldsOf, isWholeNumber } from '../envelope/fields.ts';
import { present } from '../envelope/present.ts';
import { ProtocolViolation } from '../errors.ts';
import { encodeFrameHead } from '../frame/frame.ts';
import { TRANSACTION_PUBLISHES_MAX } from '../limits.ts';
import { Opcode } from '../opcodes.ts';
import { readBind, type WireBind } from './bind.ts';
import { flattenRanges, readFlatRanges, type StreamRanges } from './ranges.ts';

/**
 * TRANSACTION 0x21, client to server: publishes and acks in one commit, or none of them. Data: an envelope, then the
 * record batches of its publishes, one after the other.
 *
 *   { number, settled, acks: [3, ["orders", [1, 500, 1]]], publishes: [{ stream | pattern, mustMatch?, bytes }, …] }
 *                             └ follower, ranges
 *
 * `number` and `settled` are as in PUBLISH. `acks` holds for each follower its number and its ranges, as in ranges.ts.
 * `bytes` is the length of that publish's batch.
 */
export interface Transaction {
  readonly number: number;
  readonly settled: number;
  readonly acks: readonly TransactionAcks[];
  readonly publishes: readonly TransactionPublish[];
}

export interface TransactionAcks {
  readonly follower: number;
  readonly entries: readonly StreamRanges[];
}

export interface TransactionPublish {
  readonly bind: WireBind;
  readonly mustMatch?: boolean;
}

export interface DecodedTransaction extends Transaction {
  readonly publishes: readonly DecodedPublish[];
}

export interface DecodedPublish extends TransactionPublish {
  readonly batch: RecordBatch;
}

/**
 * The frame up to its batches, which are to be sent right after.
 *
 * @param batchesBytes the length of each publish's batch, in order
 */
export function encodeTransactionHead(
  requestId: number,
  { number, settled, acks, publishes }: Transaction,
  batchesBytes: readonly number[],
): Buffer {
  const envelope = encodeEnvelope({
    number,
    settled,
    acks: acks.flatMap(({ follower, entries }) => [follower, flattenRanges(entries)]),
    publishes: publishes.map(({ bind, mustMatch }, i) => ({
      ...bind,
      ...(mustMatch !== undefined && { mustMatch }),
      bytes: batchesBytes[i]!,
    })),
  });
  const allBytes = batchesBytes.reduce((sum, bytes) => sum + bytes, 0);
  return encodeFrameHead(Opcode.Transaction, requestId, envelope, allBytes);
}

export function decodeTransaction(payload: Buffer): DecodedTransaction {
  const { fields, end } = decodeLeadingEnvelope('TRANSACTION', payload);
  const number = fields.integer('number');
  const settled = fields.integer('settled');
  const acks = readAcks(fields.array('acks'));
  const publishes = readPublishes(fields.array('publishes'), payload.subarray(end));
  fields.end();
  return { number, settled, acks, publishes };
}

function readAcks(flat: readonly unknown[]): TransactionAcks[] {
  const acks: TransactionAcks[] = [];
  for (let i = 0; i < flat.length; i += 2) {
    const follower = flat[i];
    const ranges = flat[i + 1];
    if (!isWholeNumber(follower) || !Array.isArray(ranges)) {
      throw new ProtocolViolation('TRANSACTION.acks must hold pairs of a follower and its ranges');
    }
    acks.push({ follower, entries: readFlatRanges('TRANSACTION.acks', ranges) });
  }
  return acks;
}

function readPublishes(list: readonly unknown[], batches: Buffer): DecodedPublish[] {
  if (list.length > TRANSACTION_PUBLISHES_MAX) {
    throw new ProtocolViolation(
      `TRANSACTION has ${list.length} publishes; the limit is ${TRANSACTION_PUBLISHES_MAX}`,
    );
  }
  let offset = 0;
  const publishes = list.map((publish) => {
    const fields = fieldsOf('a publish of TRANSACTION', publish);
    const start = offset;
    offset += fields.integer('bytes');
    return readPublish(fields, batches.subarray(start, offset));
  });
  if (offset !== batches.length) throw new ProtocolViolation('TRANSACTION has bytes after its last batch');
  return publishes;
}

function readPublish(fields: Fields, batch: Buffer): DecodedPublish {
  const bind = readBind('a publish of TRANSACTION', fields);
  const mustMatch = fields.optionalBoolean('mustMatch');
  fields.end();
  return present<DecodedPublish>({ bind, mustMatch, batch: decodeBatch(batch) });
}
