import { type RecordBatch, validateRecords } from '@simplemq/protocol';
import fc from 'fast-check';
import { readBatch } from '../batch/batch-bytes.ts';
import type { CommandCodec } from './command-codec.ts';

/** The codes with which a decoder may refuse bytes; anything else that it throws is a bug of its own. */
export const REFUSALS: readonly string[] = ['ProtocolViolation', 'Unsupported'];

/** Decodes a payload and what it carries; gives what was thrown on the way, if something was. */
export function decodeEverything(command: CommandCodec, payload: Buffer): unknown {
  try {
    for (const batch of batchesOf(command.decode(payload))) readAttributesToo(batch);
    return undefined;
  } catch (error) {
    return error;
  }
}

/** The record batches that a decoded message carries: its own, and those of its runs or publishes. */
export function batchesOf(message: unknown): readonly RecordBatch[] {
  interface Carrying {
    batch?: RecordBatch;
    runs?: readonly { batch: RecordBatch }[];
    publishes?: readonly { batch?: RecordBatch }[];
  }
  const { batch, runs = [], publishes = [] } = message as Carrying;
  return [batch, ...[...runs, ...publishes].map((carrying) => carrying.batch)].filter(
    (found) => found !== undefined,
  );
}

/** Attributes of an unknown name are Unsupported whichever frame they came in, so that is no finding here. */
function readAttributesToo(batch: RecordBatch): void {
  validateRecords(batch);
  try {
    readBatch(batch);
  } catch (error) {
    if ((error as { code?: string }).code !== 'Unsupported') throw error;
  }
}

/** `bytes` with some bits flipped, a piece cut out, put in, overwritten or doubled. */
export function mutated(bytes: Buffer): fc.Arbitrary<Buffer> {
  const offset = fc.nat(bytes.length);
  const piece = fc.uint8Array({ maxLength: 9 });
  const change: fc.Arbitrary<(copy: Buffer) => Buffer> = fc.oneof(
    fc.tuple(offset, fc.nat(7)).map(([at, bit]) => (copy: Buffer) => {
      if (at < copy.length) copy[at]! ^= 1 << bit;
      return copy;
    }),
    fc.tuple(offset, fc.nat(20)).map(([at, length]) => (copy: Buffer) => {
      return Buffer.concat([copy.subarray(0, at), copy.subarray(at + length)]);
    }),
    fc.tuple(offset, piece).map(([at, inserted]) => (copy: Buffer) => {
      return Buffer.concat([copy.subarray(0, at), inserted, copy.subarray(at)]);
    }),
    fc.tuple(offset, piece).map(([at, over]) => (copy: Buffer) => {
      return Buffer.concat([copy.subarray(0, at), over, copy.subarray(at + over.length)]);
    }),
    fc.tuple(offset, fc.nat(20)).map(([at, length]) => (copy: Buffer) => {
      return Buffer.concat([copy.subarray(0, at + length), copy.subarray(at)]);
    }),
  );
  return fc
    .array(change, { minLength: 1, maxLength: 4 })
    .map((changes) => changes.reduce<Buffer>((copy, apply) => apply(copy), Buffer.from(bytes)));
}
