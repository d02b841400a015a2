import * as protocol from '@simplemq/protocol';
import { Opcode, opcodeName, type RecordBatch } from '@simplemq/protocol';
import fc from 'fast-check';
import { anyBatch, buildBatch, bytesOf } from '../batch/batch-bytes.ts';
import * as v from './values.ts';

/** A frame's encoder and decoder under one signature, with the messages that it may carry. */
export interface CommandCodec {
  readonly opcode: Opcode;
  readonly name: string;
  readonly from: 'client' | 'server' | 'both';
  /** Whether the decoder refuses fields that it does not know, as Unsupported. */
  readonly refusesUnknown: boolean;
  readonly messages: fc.Arbitrary<unknown>;
  encode(requestId: number, message: unknown): Buffer;
  decode(payload: Buffer): unknown;
}

interface Definition<Message> {
  encode(requestId: number, message: Message): Buffer;
  decode(payload: Buffer): Message;
  messages: fc.Arbitrary<Message>;
}

function codec<Message>(
  opcode: Opcode,
  from: CommandCodec['from'],
  definition: Definition<Message>,
): CommandCodec {
  const withoutUnknown = opcode < 0x80 && from === 'client';
  return {
    opcode,
    from,
    name: opcodeName(opcode)!,
    refusesUnknown: withoutUnknown,
    ...(definition as Definition<unknown>),
  };
}

const server = <M>(opcode: Opcode, definition: Definition<M>): CommandCodec =>
  codec(opcode, 'server', definition);
const client = <M>(opcode: Opcode, definition: Definition<M>): CommandCodec =>
  codec(opcode, 'client', definition);

type Decoded<Envelope> = Envelope & { readonly batch: RecordBatch };

const batch: fc.Arbitrary<RecordBatch> = anyBatch.map((plain) => protocol.decodeBatch(buildBatch(plain)));

/** An answer, or a heartbeat, that tells nothing but that it is there. */
function empty(encode: (requestId: number) => Buffer): Definition<object> {
  return {
    encode: (id) => encode(id),
    decode: (payload) => {
      if (payload.length > 0) protocol.decodeEnvelope('an answer', payload);
      return {};
    },
    messages: fc.constant({}),
  };
}

const settled = (opcode: Opcode): CommandCodec =>
  server<protocol.Settled>(opcode, {
    encode: (id, message) => protocol.encodeSettled(opcode, id, message),
    decode: protocol.decodeSettled,
    messages: v.fields({ stale: v.ranges }),
  });

const entries = v.fields<protocol.Ack>({ follower: v.whole, entries: v.ranges });
const stream = v.fields({ stream: v.text });

const plainError = ({ code, message, details }: protocol.SimpleMQError): PlainError => ({
  code,
  message,
  ...(Object.keys(details).length > 0 && { details }),
});

interface PlainError {
  readonly code: protocol.ErrorCode;
  readonly message: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

const connection: CommandCodec[] = [
  client<protocol.Hello>(Opcode.Hello, {
    encode: protocol.encodeHello,
    decode: protocol.decodeHello,
    messages: v.fields(
      {
        version: fc.constant(protocol.PROTOCOL_VERSION),
        client: v.text,
        producer: fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes)),
        features: v.strings,
      },
      { user: v.text, password: v.text },
    ),
  }),
  server<protocol.Welcome>(Opcode.Welcome, {
    encode: protocol.encodeWelcome,
    decode: protocol.decodeWelcome,
    messages: v.fields<protocol.Welcome>({
      version: v.whole,
      server: v.text,
      heartbeatMs: v.whole,
      limits: v.fields({
        maxFrameBytes: v.whole,
        maxMessageBytes: v.whole,
        maxBatchRecords: v.whole,
        maxUnconfirmedBatches: v.whole,
        producerWindowMs: v.whole,
      }),
      features: v.strings,
    }),
  }),
  codec(
    Opcode.Heartbeat,
    'both',
    empty(() => protocol.HEARTBEAT_FRAME),
  ),
  server<protocol.Closing>(Opcode.Closing, {
    encode: (_, message) => protocol.encodeClosing(message),
    decode: protocol.decodeClosing,
    messages: v.fields({ reason: v.text }),
  }),
  server<PlainError>(Opcode.Error, {
    encode: (id, { code, message, details }) =>
      protocol.encodeError(id, protocol.errorOf(code, message, details && { details })),
    decode: (payload) => plainError(protocol.decodeError(payload)),
    messages: v.fields(
      { code: v.errorCode, message: v.text },
      { details: v.fields({ option: v.text }, { value: v.whole, position: v.whole }) },
    ),
  }),
];

const streams: CommandCodec[] = [
  client<protocol.CreateStream>(Opcode.CreateStream, {
    encode: protocol.encodeCreateStream,
    decode: protocol.decodeCreateStream,
    messages: v.fields({ stream: v.text, options: v.streamOptions }),
  }),
  server<protocol.StreamCreated>(Opcode.StreamCreated, {
    encode: protocol.encodeStreamCreated,
    decode: protocol.decodeStreamCreated,
    messages: v.fields({ created: v.flag }),
  }),
  client<protocol.DeleteStream>(Opcode.DeleteStream, {
    encode: protocol.encodeDeleteStream,
    decode: protocol.decodeDeleteStream,
    messages: stream,
  }),
  server(Opcode.StreamDeleted, empty(protocol.encodeStreamDeleted)),
  client<protocol.PurgeStream>(Opcode.PurgeStream, {
    encode: protocol.encodePurgeStream,
    decode: protocol.decodePurgeStream,
    messages: stream,
  }),
  server<protocol.StreamPurged>(Opcode.StreamPurged, {
    encode: protocol.encodeStreamPurged,
    decode: protocol.decodeStreamPurged,
    messages: v.fields({ messages: v.whole }),
  }),
  client<protocol.ListStreams>(Opcode.ListStreams, {
    encode: protocol.encodeListStreams,
    decode: protocol.decodeListStreams,
    messages: v.fields({}, { bind: v.bind, after: v.text, limit: v.whole }),
  }),
  server<protocol.StreamsListed>(Opcode.StreamsListed, {
    encode: protocol.encodeStreamsListed,
    decode: protocol.decodeStreamsListed,
    messages: v.fields({ streams: fc.array(v.summary, { maxLength: 3 }), more: v.flag }),
  }),
  client<protocol.StreamInfoRequest>(Opcode.StreamInfo, {
    encode: protocol.encodeStreamInfo,
    decode: protocol.decodeStreamInfo,
    messages: stream,
  }),
  server<protocol.StreamSummary>(Opcode.StreamInfoReply, {
    encode: protocol.encodeStreamInfoReply,
    decode: protocol.decodeStreamInfoReply,
    messages: v.summary,
  }),
  client<protocol.Pending>(Opcode.Pending, {
    encode: protocol.encodePending,
    decode: protocol.decodePending,
    messages: v.fields(
      { stream: v.text },
      { group: v.text, follower: v.whole, idleMs: v.whole, after: v.whole, limit: v.whole },
    ),
  }),
  server<protocol.PendingReply>(Opcode.PendingReply, {
    encode: protocol.encodePendingReply,
    decode: protocol.decodePendingReply,
    messages: v.fields<protocol.PendingReply>({
      entries: fc.array(
        v.fields(
          { first: v.whole, last: v.whole, attempt: v.whole, idleMs: v.whole },
          { follower: v.whole, client: v.text },
        ),
        { maxLength: 4 },
      ),
      more: v.flag,
    }),
  }),
];

const publishing: CommandCodec[] = [
  client<Decoded<protocol.Publish>>(Opcode.Publish, {
    encode: (id, message) => {
      const bytes = bytesOf(message.batch);
      return Buffer.concat([protocol.encodePublishHead(id, message, bytes.length), bytes]);
    },
    decode: protocol.decodePublish,
    messages: v.fields({ bind: v.bind, number: v.whole, settled: v.whole, batch }, { mustMatch: v.flag }),
  }),
  server<protocol.Confirm>(Opcode.Confirm, {
    encode: protocol.encodeConfirm,
    decode: protocol.decodeConfirm,
    messages: v.fields({ streams: v.confirmed, durability: v.text }),
  }),
];

const following: CommandCodec[] = [
  client<protocol.Follow>(Opcode.Follow, {
    encode: protocol.encodeFollow,
    decode: protocol.decodeFollow,
    messages: v.fields(
      { bind: v.bind, upTo: v.whole, bytesUpTo: v.whole },
      { group: v.text, leaseMs: v.whole },
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
  server<Decoded<protocol.Deliver>>(Opcode.Deliver, {
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
      batch,
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

const settling: CommandCodec[] = [
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
  settled(Opcode.Acked),
  settled(Opcode.Nacked),
  settled(Opcode.Extended),
  settled(Opcode.Released),
];

/** One for every opcode there is. */
export const COMMANDS: readonly CommandCodec[] = [
  ...connection,
  ...streams,
  ...publishing,
  ...following,
  ...settling,
];

export function commandOf(opcode: number): CommandCodec {
  const found = COMMANDS.find((command) => command.opcode === opcode);
  if (found === undefined) throw new Error(`no codec in this table for the opcode 0x${opcode.toString(16)}`);
  return found;
}

/** The payload of a whole frame. */
export function payloadOf(frame: Buffer): Buffer {
  return frame.subarray(protocol.FRAME_HEADER_BYTES);
}

/** One frame of each command, the same ones at every run. */
export function sampleFrames(): Buffer[] {
  return COMMANDS.map(({ messages, encode }, i) =>
    encode(i, fc.sample(messages, { seed: 7, numRuns: 1 })[0]),
  );
}
