import * as protocol from '@simplemq/protocol';
import { type Opcode, opcodeName } from '@simplemq/protocol';
import fc from 'fast-check';

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

export interface Definition<Message> {
  encode(requestId: number, message: Message): Buffer;
  decode(payload: Buffer): Message;
  messages: fc.Arbitrary<Message>;
}

export function codec<Message>(
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

export const server = <M>(opcode: Opcode, definition: Definition<M>): CommandCodec =>
  codec(opcode, 'server', definition);
export const client = <M>(opcode: Opcode, definition: Definition<M>): CommandCodec =>
  codec(opcode, 'client', definition);

/** A frame that tells nothing but that it is there: an answer, or a heartbeat. */
export function empty(encode: (requestId: number) => Buffer): Definition<object> {
  return {
    encode: (id) => encode(id),
    decode: (payload) => {
      if (payload.length > 0) protocol.decodeEnvelope('an answer', payload);
      return {};
    },
    messages: fc.constant({}),
  };
}
