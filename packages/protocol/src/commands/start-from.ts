import { type Fields, fieldsOf } from '../envelope/fields.ts';
import { ProtocolViolation, Unsupported } from '../errors.ts';

/**
 * Where in a stream to begin: at the first message that is there, at the first that comes from now on, at a sequence
 * number, or at the first message taken in at `time` (milliseconds since 1970 UTC) or later.
 */
export type StartFrom = 'first' | 'new' | { readonly sequence: number } | { readonly time: number };

/** The field `startFrom`: a string, or a map of one field. */
export function readStartFrom(what: string, fields: Fields): StartFrom {
  const from = readOptionalStartFrom(what, fields);
  if (from === undefined) throw new ProtocolViolation(`${what} lacks the field 'startFrom'`);
  return from;
}

export function readOptionalStartFrom(what: string, fields: Fields): StartFrom | undefined {
  const value = fields.optionalAny('startFrom');
  if (value === undefined || value === 'first' || value === 'new') return value;
  if (typeof value !== 'string') return readPlace(fieldsOf(`${what}.startFrom`, value));
  throw new Unsupported(
    `${what} starts from '${value.slice(0, 60)}', which this version does not know; it may be 'first' or 'new'`,
    { details: { field: 'startFrom' } },
  );
}

function readPlace(fields: Fields): StartFrom {
  const sequence = fields.optionalInteger('sequence');
  const time = fields.optionalInteger('time');
  fields.end();
  if (sequence !== undefined && time === undefined) return { sequence };
  if (time !== undefined && sequence === undefined) return { time };
  throw new ProtocolViolation("'startFrom' must have one of 'sequence' and 'time'");
}
