import { Packr, Unpackr } from 'msgpackr';
import { ProtocolViolation } from '../errors.ts';
import { Fields } from './fields.ts';
import { scanValue } from './scan.ts';

const packr = new Packr({ useRecords: false, variableMapSize: true, encodeUndefinedAsNil: true });
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true, int64AsType: 'number' });

/** Encodes an envelope; keys whose value is undefined are left out. */
export function encodeEnvelope(fields: Readonly<Record<string, unknown>>): Buffer {
  const present: Record<string, unknown> = {};
  for (const key in fields) {
    if (fields[key] !== undefined) present[key] = fields[key];
  }
  return packr.pack(present);
}

/** The envelope that fills `payload` to its last byte. */
export function decodeEnvelope(what: string, payload: Buffer): Fields {
  const { fields, end } = decodeLeadingEnvelope(what, payload);
  if (end !== payload.length) {
    throw new ProtocolViolation(`${what} has ${payload.length - end} bytes after its envelope`);
  }
  return fields;
}

/** The envelope that `payload` begins with, and the offset at which it ends. */
export function decodeLeadingEnvelope(what: string, payload: Buffer): { fields: Fields; end: number } {
  const end = scanValue(payload, 0);
  return { fields: new Fields(what, decodeMap(what, payload.subarray(0, end))), end };
}

function decodeMap(what: string, bytes: Buffer): Record<string, unknown> {
  const type = bytes[0]!;
  const isMap = (type >= 0x80 && type <= 0x8f) || type === 0xde || type === 0xdf;
  if (!isMap) throw new ProtocolViolation(`${what} has an envelope that is not a map`);
  try {
    return unpackr.unpack(bytes) as Record<string, unknown>;
  } catch (cause) {
    throw new ProtocolViolation(`${what} has an envelope that msgpack cannot decode`, { cause });
  }
}
