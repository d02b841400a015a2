import type { Opcode, RecordBatch } from '@simplemq/protocol';
import * as protocol from '@simplemq/protocol';
import fc from 'fast-check';
import { anyBatch, anySingle, buildBatch } from '../batch/batch-bytes.ts';
import { type CommandCodec, server } from './command-codec.ts';
import * as v from './values.ts';

/** A message of a data frame as its decoder gives it. */
export type WithBatch<Envelope> = Envelope & { readonly batch: RecordBatch };

export const carriedBatch: fc.Arbitrary<RecordBatch> = anyBatch.map((plain) =>
  protocol.decodeBatch(buildBatch(plain)),
);

/** A batch of one record. */
export const carriedSingle: fc.Arbitrary<RecordBatch> = anySingle.map((plain) =>
  protocol.decodeBatch(buildBatch(plain)),
);

/** READ_REPLY or DEAD_LETTERS_REPLY. */
export function pageReply(opcode: Opcode): CommandCodec {
  return server<protocol.ReadReply>(opcode, {
    encode: (id, { runs, next, more }) => {
      const page = { runs: runs.map(({ batch, ...run }) => ({ ...run, ...batch })), next, more };
      return protocol.encodeReadReply(id, opcode, page);
    },
    decode: protocol.decodeReadReply,
    messages: v.fields<protocol.ReadReply>({
      runs: fc.array(v.fields({ first: v.whole, time: v.whole, batch: carriedBatch }), { maxLength: 4 }),
      next: v.whole,
      more: v.flag,
    }),
  });
}
