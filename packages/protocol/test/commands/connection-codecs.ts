import * as protocol from '@simplemq/protocol';
import { Opcode } from '@simplemq/protocol';
import fc from 'fast-check';
import { type CommandCodec, client, codec, empty, server } from './command-codec.ts';
import * as v from './values.ts';

export interface PlainError {
  readonly code: protocol.ErrorCode;
  readonly message: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

export const plainError = ({ code, message, details }: protocol.SimpleMQError): PlainError => ({
  code,
  message,
  ...(Object.keys(details).length > 0 && { details }),
});

export const CONNECTION: readonly CommandCodec[] = [
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
