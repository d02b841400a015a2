import * as protocol from '@simplemq/protocol';
import { Opcode } from '@simplemq/protocol';
import fc from 'fast-check';
import { bytesOf } from '../batch/batch-bytes.ts';
import { carriedBatch, type WithBatch } from './carried.ts';
import { type CommandCodec, client, server } from './command-codec.ts';
import * as v from './values.ts';

export const PUBLISHING: readonly CommandCodec[] = [
  client<WithBatch<protocol.Publish>>(Opcode.Publish, {
    encode: (id, message) => {
      const bytes = bytesOf(message.batch);
      return Buffer.concat([protocol.encodePublishHead(id, message, bytes.length), bytes]);
    },
    decode: protocol.decodePublish,
    messages: v.fields(
      { bind: v.bind, number: v.whole, settled: v.whole, batch: carriedBatch },
      { mustMatch: v.flag },
    ),
  }),
  server<protocol.Confirm>(Opcode.Confirm, {
    encode: protocol.encodeConfirm,
    decode: protocol.decodeConfirm,
    messages: v.fields({ streams: v.confirmed, durability: v.text }),
  }),
  client<protocol.DecodedTransaction>(Opcode.Transaction, {
    encode: (id, message) => {
      const batches = message.publishes.map(({ batch }) => bytesOf(batch));
      const head = protocol.encodeTransactionHead(
        id,
        message,
        batches.map(({ length }) => length),
      );
      return Buffer.concat([head, ...batches]);
    },
    decode: protocol.decodeTransaction,
    messages: v.fields<protocol.DecodedTransaction>({
      number: v.whole,
      settled: v.whole,
      acks: fc.array(v.fields({ follower: v.whole, entries: v.ranges }), { maxLength: 3 }),
      publishes: fc.array(v.fields({ bind: v.bind, batch: carriedBatch }, { mustMatch: v.flag }), {
        maxLength: 3,
      }),
    }),
  }),
  server<protocol.Transacted>(Opcode.Transacted, {
    encode: protocol.encodeTransacted,
    decode: protocol.decodeTransacted,
    messages: v.fields({ publishes: fc.array(v.confirmed, { maxLength: 3 }), durability: v.text }),
  }),
];
