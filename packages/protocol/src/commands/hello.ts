import { decodeEnvelope, encodeEnvelope } from '../envelope/envelope.ts';
import { encodeFrame } from '../frame/frame.ts';
import { PROTOCOL_VERSION } from '../limits.ts';
import { Opcode } from '../opcodes.ts';

/**
 * HELLO 0x01, client to server, the first frame of a connection. Control:
 *
 *   { version, client, producer, user?, password?, features? }
 *
 * `producer` is 16 random bytes that stay the same over reconnects: with the number in each PUBLISH they make
 * publishing idempotent. `features` are those that the client cannot do without.
 */
export interface Hello {
  readonly version: number;
  readonly client: string;
  readonly producer: Buffer;
  readonly user?: string;
  readonly password?: string;
  readonly features: readonly string[];
}

export const PRODUCER_ID_BYTES = 16;

export function encodeHello(requestId: number, hello: Hello): Buffer {
  return encodeFrame(Opcode.Hello, requestId, encodeEnvelope({ ...hello }));
}

/** Of a client that speaks another version only that version is read: nothing else of its HELLO is known to be so. */
export function decodeHello(payload: Buffer): Hello {
  const fields = decodeEnvelope('HELLO', payload);
  const version = fields.integer('version');
  if (version !== PROTOCOL_VERSION) {
    return { version, client: '', producer: Buffer.alloc(PRODUCER_ID_BYTES), features: [] };
  }
  const user = fields.optionalString('user');
  const password = fields.optionalString('password');
  const hello = {
    version,
    client: fields.string('client'),
    producer: fields.bytes('producer', PRODUCER_ID_BYTES),
    features: fields.optionalStrings('features') ?? [],
    ...(user !== undefined && { user }),
    ...(password !== undefined && { password }),
  };
  fields.end();
  return hello;
}
