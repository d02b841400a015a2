import { decodeEnvelope, encodeEnvelope } from '../envelope/envelope.ts';
import { encodeFrame } from '../frame/frame.ts';
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

export function decodeHello(payload: Buffer): Hello {
  const fields = decodeEnvelope('HELLO', payload);
  // A client of another version may send fields that this one does not know: the server answers by its version.
  const user = fields.optionalString('user');
  const password = fields.optionalString('password');
  return {
    version: fields.integer('version'),
    client: fields.string('client'),
    producer: fields.bytes('producer', PRODUCER_ID_BYTES),
    features: (fields.optionalArray('features') ?? []).map(String),
    ...(user !== undefined && { user }),
    ...(password !== undefined && { password }),
  };
}
