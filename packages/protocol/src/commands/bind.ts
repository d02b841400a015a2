import type { Fields } from '../envelope/fields.ts';
import { ProtocolViolation } from '../errors.ts';

/** A route on the wire: exactly one of `stream` (direct) and `pattern` (regex, RE2 syntax). */
export type WireBind = { readonly stream: string } | { readonly pattern: string };

export function readBind(what: string, fields: Fields): WireBind {
  const bind = readOptionalBind(what, fields);
  if (bind === undefined) throw new ProtocolViolation(`${what} lacks a bind: it needs 'stream' or 'pattern'`);
  return bind;
}

export function readOptionalBind(what: string, fields: Fields): WireBind | undefined {
  const stream = fields.optionalString('stream');
  const pattern = fields.optionalString('pattern');
  if (stream !== undefined && pattern !== undefined) {
    throw new ProtocolViolation(`${what} has both 'stream' and 'pattern'; a bind has one of them`);
  }
  if (stream !== undefined) return { stream };
  return pattern === undefined ? undefined : { pattern };
}
