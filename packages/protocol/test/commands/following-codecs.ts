import * as protocol from '@simplemq/protocol';
import { Opcode } from '@simplemq/protocol';
import { bytesOf } from '../batch/batch-bytes.ts';
import { carriedBatch, type WithBatch } from './carried.ts';
import { type CommandCodec, client, empty, server } from './command-codec.ts';
import { type PlainError, plainError } from './connection-codecs.ts';
import * as v from './values.ts';

export const FOLLOWING: readonly CommandCodec[] = [
  client<protocol.Follow>(Opcode.Follow, {
    encode: protocol.encodeFollow,
    decode: protocol.decodeFollow,
    messages: v.fields(
      { bind: v.bind, upTo: v.whole, bytesUpTo: v.whole },
      { group: v.text, leaseMs: v.whole, startFrom: v.startFrom, options: v.groupOptions },
    ),
  }),
  server<protocol.Following>(Opcode.Following, {
    encode: protocol.encodeFollowing,
    decode: protocol.decodeFollowing,
    messages: v.fields({ follower: v.whole, leaseMs: v.whole }),
  }),
  client<protocol.Unfollow>(Opcode.Unfollow, {
    encode: protocol.encodeUnfollow,
    decode: protocol.decodeUnfollow,
    messages: v.fields({ follower: v.whole }),
  }),
  server(Opcode.Unfollowed, empty(protocol.encodeUnfollowed)),
  client<protocol.Credit>(Opcode.Credit, {
    encode: (_, message) => protocol.encodeCredit(message),
    decode: protocol.decodeCredit,
    messages: v.fields({ follower: v.whole, upTo: v.whole, bytesUpTo: v.whole }),
  }),
  server<WithBatch<protocol.Deliver>>(Opcode.Deliver, {
    encode: (_, { batch: records, ...envelope }) => {
      const bytes = bytesOf(records);
      return Buffer.concat([protocol.encodeDeliverHead(envelope, bytes.length), bytes]);
    },
    decode: protocol.decodeDeliver,
    messages: v.fields({
      follower: v.whole,
      stream: v.text,
      first: v.whole,
      attempt: v.whole,
      time: v.whole,
      batch: carriedBatch,
    }),
  }),
  server<{ follower: number; error: PlainError }>(Opcode.FollowerEnded, {
    encode: (_, { follower, error }) =>
      protocol.encodeFollowerEnded({ follower, error: protocol.errorOf(error.code, error.message) }),
    decode: (payload) => {
      const { follower, error } = protocol.decodeFollowerEnded(payload);
      return { follower, error: plainError(error) };
    },
    messages: v.fields({ follower: v.whole, error: v.fields({ code: v.errorCode, message: v.text }) }),
  }),
];

const settled = (opcode: Opcode): CommandCodec =>
  server<protocol.Settled>(opcode, {
    encode: (id, message) => protocol.encodeSettled(opcode, id, message),
    decode: protocol.decodeSettled,
    messages: v.fields({ stale: v.ranges }),
  });

const entries = v.fields<protocol.Ack>({ follower: v.whole, entries: v.ranges });

export const SETTLING: readonly CommandCodec[] = [
  client<protocol.Ack>(Opcode.Ack, {
    encode: protocol.encodeAck,
    decode: protocol.decodeAck,
    messages: entries,
  }),
  client<protocol.Nack>(Opcode.Nack, {
    encode: protocol.encodeNack,
    decode: protocol.decodeNack,
    messages: v.fields({ follower: v.whole, entries: v.ranges }, { delayMs: v.whole, reason: v.text }),
  }),
  client<protocol.Extend>(Opcode.Extend, {
    encode: protocol.encodeExtend,
    decode: protocol.decodeExtend,
    messages: entries,
  }),
  client<protocol.Release>(Opcode.Release, {
    encode: protocol.encodeRelease,
    decode: protocol.decodeRelease,
    messages: entries,
  }),
  client<protocol.Reject>(Opcode.Reject, {
    encode: protocol.encodeReject,
    decode: protocol.decodeReject,
    messages: v.fields({ follower: v.whole, entries: v.ranges }, { reason: v.text }),
  }),
  settled(Opcode.Acked),
  settled(Opcode.Nacked),
  settled(Opcode.Extended),
  settled(Opcode.Released),
  settled(Opcode.Rejected),
];
