import { addExtension, Packr, Unpackr } from 'msgpackr';
import type { Codec } from './codec.ts';

/**
 * Msgpack that any language can read: objects are maps, bytes are bin, dates are the timestamp extension. What msgpack
 * has no type for travels as extensions whose payload is msgpack again:
 *
 *   ext 0x4d 'M'   a Map: an array [key, value, key, value, …]
 *   ext 0x53 'S'   a Set: an array of its members
 *   ext 0x42 'B'   a bigint past 64 bits: two's complement, big-endian (msgpackr's own)
 *   ext 0x00       undefined (msgpackr's own)
 *
 * Numbers are never written as 64-bit integers, so whatever arrives as one is a bigint.
 */
const MAP_EXTENSION = 0x4d;
const SET_EXTENSION = 0x53;

const packr = new Packr({ useRecords: false, variableMapSize: true, useBigIntExtension: true });
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true, useBigIntExtension: true });

/** A Map or Set on its way: msgpackr has its own ways with those two classes, so they never reach it. */
class Packed {
  readonly bytes: Uint8Array;
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
}
class PackedMap extends Packed {}
class PackedSet extends Packed {}

/** Set while decoding when there is something to unwrap: most values have nothing. */
let sawPacked = false;

for (const [type, Class] of [
  [MAP_EXTENSION, PackedMap],
  [SET_EXTENSION, PackedSet],
] as const) {
  addExtension({
    type,
    Class,
    pack: (value: Packed) => Buffer.from(value.bytes),
    unpack: (bytes: Uint8Array) => {
      sawPacked = true;
      // msgpackr hands out a view of its source; the source may be read further while this one waits.
      return new Class(bytes);
    },
  });
}

/** The default codec: Date, bigint, Map, Set, Uint8Array, undefined and nesting of them come back as they were. */
// biome-ignore lint/suspicious/noExplicitAny: bodies are typed by those who use them
export const msgpack: Codec<any> = { encode, decode };

function encode(value: unknown): Uint8Array {
  return packr.pack(
    typeof value === 'object' && value !== null && hasCollection(value) ? wrapped(value) : value,
  );
}

function decode(bytes: Uint8Array): unknown {
  sawPacked = false;
  const value = unpackr.unpack(bytes);
  return sawPacked ? unwrapped(value) : value;
}

function isLeaf(value: object): boolean {
  return ArrayBuffer.isView(value) || value instanceof Date || value instanceof ArrayBuffer;
}

/** Whether a Map or a Set is anywhere in `value`; walks it without building anything. */
function hasCollection(value: object): boolean {
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const item: unknown = value[i];
      if (typeof item === 'object' && item !== null && hasCollection(item)) return true;
    }
    return false;
  }
  if (value instanceof Map || value instanceof Set) return true;
  if (isLeaf(value)) return false;
  for (const key in value) {
    const item = (value as Record<string, unknown>)[key];
    if (typeof item === 'object' && item !== null && hasCollection(item)) return true;
  }
  return false;
}

function wrapped(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || isLeaf(value)) return value;
  if (value instanceof Map) return new PackedMap(encode([...value].flat(1)));
  if (value instanceof Set) return new PackedSet(encode([...value]));
  if (Array.isArray(value)) return value.map(wrapped);
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') return value;
  const copy: Record<string, unknown> = {};
  for (const key of Object.keys(value)) copy[key] = wrapped((value as Record<string, unknown>)[key]);
  return copy;
}

function unwrapped(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Packed) return collection(value);
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) value[i] = unwrapped(value[i]);
  } else if (!isLeaf(value)) {
    const fields = value as Record<string, unknown>;
    for (const key of Object.keys(fields)) fields[key] = unwrapped(fields[key]);
  }
  return value;
}

function collection(packed: Packed): unknown {
  const items = decode(packed.bytes) as unknown[];
  if (packed instanceof PackedSet) return new Set(items);
  const map = new Map<unknown, unknown>();
  for (let i = 0; i + 1 < items.length; i += 2) map.set(items[i], items[i + 1]);
  return map;
}
