import { decodeEnvelope, encodeEnvelope } from '../envelope/envelope.ts';
import type { Fields } from '../envelope/fields.ts';
import { present } from '../envelope/present.ts';
import { ProtocolViolation } from '../errors.ts';
import { type DeadLetter, readDeadLetter } from './dead-letter.ts';

/** What a message has beside its body. All of it is optional, and absent from the wire when it is not set. */
export interface Attributes {
  readonly headers?: Readonly<Record<string, string>>;
  /** Messages of one key belong together; see the `ordering` of a group. */
  readonly key?: string;
  /** 0 low, 1 normal (the default), 2 high, 3 critical. */
  readonly priority?: number;
  /** Not delivered before this time, in milliseconds since 1970 UTC. */
  readonly deliverAt?: number;
  /** Not delivered sooner than so many ms after the broker took it in, by its own clock; not with `deliverAt`. */
  readonly delayMs?: number;
  /** Not delivered later than this many milliseconds after it entered the stream; at least 1. */
  readonly ttlMs?: number;
  /** Two messages of one id within the stream's window are one. */
  readonly messageId?: string;
  /** Set by the broker on what is redriven: only this group gets it. */
  readonly group?: string;
  /** Set by the broker on messages of a dead-letter stream. */
  readonly dead?: DeadLetter;
}

export const PRIORITY_MAX = 3;

export function encodeAttributes(attributes: Attributes): Buffer {
  return encodeEnvelope({ ...attributes });
}

/** @throws ProtocolViolation on a wrong type or value; Unsupported on an attribute that this version does not know */
export function decodeAttributes(bytes: Buffer): Attributes {
  const fields = decodeEnvelope('a message', bytes);
  const attributes = readAttributes(fields);
  fields.end();
  const { priority, ttlMs, deliverAt, delayMs } = attributes;
  if (priority !== undefined && priority > PRIORITY_MAX) {
    throw new ProtocolViolation(`a message has the priority ${priority}; it must be 0 to ${PRIORITY_MAX}`);
  }
  if (ttlMs === 0) throw new ProtocolViolation("a message has a 'ttlMs' of 0; it must be at least 1");
  if (deliverAt !== undefined && delayMs !== undefined) {
    throw new ProtocolViolation("a message has both 'deliverAt' and 'delayMs'; it may have one of them");
  }
  return attributes;
}

function readAttributes(fields: Fields): Attributes {
  const dead = fields.optionalMap('dead');
  return present<Attributes>({
    headers: fields.optionalStringMap('headers'),
    key: fields.optionalString('key'),
    priority: fields.optionalInteger('priority'),
    deliverAt: fields.optionalInteger('deliverAt'),
    delayMs: fields.optionalInteger('delayMs'),
    ttlMs: fields.optionalInteger('ttlMs'),
    messageId: fields.optionalString('messageId'),
    group: fields.optionalString('group'),
    dead: dead && readDeadLetter(dead),
  });
}
