import { decodeEnvelope, encodeEnvelope } from '../envelope/envelope.ts';

/** What a message has beside its body. All of it is optional, and absent from the wire when it is not set. */
export interface Attributes {
  readonly headers?: Readonly<Record<string, string>>;
  /** Messages of one key belong together; see the `ordering` of a follower. */
  readonly key?: string;
  /** 0 low, 1 normal (the default), 2 high, 3 critical. */
  readonly priority?: number;
  /** Not delivered before this time, in milliseconds since 1970 UTC. */
  readonly deliverAt?: number;
  /** Not delivered later than this many milliseconds after it was published. */
  readonly ttlMs?: number;
  /** Two messages of one id within the stream's window are one. */
  readonly messageId?: string;
}

export function encodeAttributes(attributes: Attributes): Buffer {
  return encodeEnvelope({ ...attributes });
}

/** @throws ProtocolViolation on a wrong type; Unsupported on an attribute that this version does not know */
export function decodeAttributes(bytes: Buffer): Attributes {
  const fields = decodeEnvelope('a message', bytes);
  const headers = fields.optionalStringMap('headers');
  const key = fields.optionalString('key');
  const priority = fields.optionalInteger('priority');
  const deliverAt = fields.optionalInteger('deliverAt');
  const ttlMs = fields.optionalInteger('ttlMs');
  const messageId = fields.optionalString('messageId');
  fields.end();
  return {
    ...(headers && { headers }),
    ...(key !== undefined && { key }),
    ...(priority !== undefined && { priority }),
    ...(deliverAt !== undefined && { deliverAt }),
    ...(ttlMs !== undefined && { ttlMs }),
    ...(messageId !== undefined && { messageId }),
  };
}
