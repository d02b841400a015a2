import { decodeEnvelope, encodeEnvelope } from '../envelope/envelope.ts';
import type { Fields } from '../envelope/fields.ts';
import { present } from '../envelope/present.ts';
import { encodeFrame } from '../frame/frame.ts';
import type { Opcode } from '../opcodes.ts';

/**
 * What DEAD_LETTERS, REDRIVE and DELETE_DEAD_LETTERS ask for: a page of the dead letters of a stream. Control:
 *
 *   { stream, filter?: { group?, since?, until?, error?, headers?, sequences? }, after?, limit? }
 *
 * A page has looked at messages past `after`, and ends with the `limit` or before it.
 */
export interface DeadLetterPage {
  /** The stream in which they died, not that of the dead letters. */
  readonly stream: string;
  readonly filter?: DeadLetterFilter;
  /** The last sequence number, of the dead-letter stream, of the page before. */
  readonly after?: number;
  /** Counts messages that match. */
  readonly limit?: number;
}

/** Dead letters match that match all of it; without any of it all of them. */
export interface DeadLetterFilter {
  /** The group in which they died. */
  readonly group?: string;
  /** They died at this time or later, in milliseconds since 1970 UTC. */
  readonly since?: number;
  /** They died at this time or before. */
  readonly until?: number;
  /** Found anywhere in the last error, in capital or small letters. */
  readonly error?: string;
  /** Headers that the message has, with these values. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Sequence numbers of the dead-letter stream. */
  readonly sequences?: readonly number[];
}

/** What REDRIVE and DELETE_DEAD_LETTERS are answered with. Control: `{ messages, after, more }`. */
export interface LettersMoved {
  readonly messages: number;
  /** To be given as the `after` of the next page. */
  readonly after: number;
  /** Whether there is another page. */
  readonly more: boolean;
}

export function encodeDeadLetterPage(opcode: Opcode, requestId: number, request: DeadLetterPage): Buffer {
  return encodeFrame(opcode, requestId, encodeEnvelope({ ...request }));
}

export function decodeDeadLetterPage(what: string, payload: Buffer): DeadLetterPage {
  const fields = decodeEnvelope(what, payload);
  const filter = fields.optionalMap('filter');
  const request = present<DeadLetterPage>({
    stream: fields.string('stream'),
    filter: filter && readFilter(filter),
    after: fields.optionalInteger('after'),
    limit: fields.optionalInteger('limit'),
  });
  fields.end();
  return request;
}

function readFilter(fields: Fields): DeadLetterFilter {
  const filter = present<DeadLetterFilter>({
    group: fields.optionalString('group'),
    since: fields.optionalInteger('since'),
    until: fields.optionalInteger('until'),
    error: fields.optionalString('error'),
    headers: fields.optionalStringMap('headers'),
    sequences: fields.optionalIntegers('sequences'),
  });
  fields.end();
  return filter;
}

export function encodeLettersMoved(opcode: Opcode, requestId: number, reply: LettersMoved): Buffer {
  return encodeFrame(opcode, requestId, encodeEnvelope({ ...reply }));
}

export function decodeLettersMoved(what: string, payload: Buffer): LettersMoved {
  const fields = decodeEnvelope(what, payload);
  return {
    messages: fields.integer('messages'),
    after: fields.integer('after'),
    more: fields.optionalBoolean('more') ?? false,
  };
}
