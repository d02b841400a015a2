import { decodeEnvelope, encodeEnvelope } from '../envelope/envelope.ts';
import { type Fields, fieldsOf } from '../envelope/fields.ts';
import { present } from '../envelope/present.ts';
import { encodeFrame } from '../frame/frame.ts';
import { Opcode } from '../opcodes.ts';

/**
 * LIST_DELAYED 0x43, client to server: the messages that enter a stream later, by id, a page at a time. Control:
 *
 *   { stream, after?, limit? }
 *
 * `after` is the last id of the page before; `limit` counts entries.
 */
export interface ListDelayed {
  readonly stream: string;
  readonly after?: number;
  readonly limit?: number;
}

/** DELAYED_LISTED 0xc3, the answer: `{ entries: [{ id, messages, bytes, deliverAt }, …], more }`. */
export interface DelayedListed {
  readonly entries: readonly DelayedEntry[];
  readonly more: boolean;
}

/** Messages that were published as neighbours and are due at once. */
export interface DelayedEntry {
  /** Of the first of them, as its receipt told it; those after it have the ids that follow. */
  readonly id: number;
  readonly messages: number;
  /** What they take, encoded. */
  readonly bytes: number;
  /** When they enter the stream, in milliseconds since 1970 UTC. */
  readonly deliverAt: number;
}

export function encodeListDelayed(requestId: number, request: ListDelayed): Buffer {
  return encodeFrame(Opcode.ListDelayed, requestId, encodeEnvelope({ ...request }));
}

export function decodeListDelayed(payload: Buffer): ListDelayed {
  const fields = decodeEnvelope('LIST_DELAYED', payload);
  const request = present<ListDelayed>({
    stream: fields.string('stream'),
    after: fields.optionalInteger('after'),
    limit: fields.optionalInteger('limit'),
  });
  fields.end();
  return request;
}

export function encodeDelayedListed(requestId: number, reply: DelayedListed): Buffer {
  return encodeFrame(Opcode.DelayedListed, requestId, encodeEnvelope({ ...reply }));
}

export function decodeDelayedListed(payload: Buffer): DelayedListed {
  const fields = decodeEnvelope('DELAYED_LISTED', payload);
  return {
    entries: fields.array('entries').map((entry) => readEntry(fieldsOf('a delayed entry', entry))),
    more: fields.optionalBoolean('more') ?? false,
  };
}

function readEntry(fields: Fields): DelayedEntry {
  return {
    id: fields.integer('id'),
    messages: fields.integer('messages'),
    bytes: fields.integer('bytes'),
    deliverAt: fields.integer('deliverAt'),
  };
}
