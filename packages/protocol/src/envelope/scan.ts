import { ProtocolViolation } from '../errors.ts';
import { ENVELOPE_DEPTH_MAX, ENVELOPE_VALUES_MAX } from '../limits.ts';

/**
 * Steps over one msgpack value without building anything, so that bytes from a stranger reach the msgpack decoder
 * only when they are well formed and shallow, and make no more values than they have bytes.
 *
 * The format is https://github.com/msgpack/msgpack/blob/master/spec.md; extension types are refused.
 *
 * @returns the offset just past the value
 * @throws ProtocolViolation when the bytes end early, nest too deep, hold too many values or an extension type
 */
export function scanValue(bytes: Uint8Array, start: number, end: number = bytes.length): number {
  // The values still to come at each open level; a level is left when its count reaches zero.
  const remaining = [1];
  let offset = start;
  let values = 0;
  while (remaining.length > 0) {
    const level = remaining.length - 1;
    if (remaining[level] === 0) {
      remaining.pop();
      continue;
    }
    remaining[level]!--;
    if (offset >= end) throw new ProtocolViolation('an envelope ends in the middle of a value');
    if (++values > ENVELOPE_VALUES_MAX) {
      throw new ProtocolViolation(`an envelope holds more than ${ENVELOPE_VALUES_MAX} values`);
    }
    const children = childrenOf(bytes, offset, end);
    offset = payloadEnd(bytes, offset, end);
    if (offset > end) throw new ProtocolViolation('an envelope ends in the middle of a value');
    if (children > end - offset)
      throw new ProtocolViolation('an envelope declares more values than it has bytes');
    if (children > 0) {
      if (remaining.length > ENVELOPE_DEPTH_MAX) {
        throw new ProtocolViolation(`an envelope nests deeper than ${ENVELOPE_DEPTH_MAX} levels`);
      }
      remaining.push(children);
    }
  }
  return offset;
}

/** How many values follow that belong to the container at `offset`; 0 for a scalar. */
function childrenOf(bytes: Uint8Array, offset: number, end: number): number {
  const type = bytes[offset]!;
  if (type >= 0x80 && type <= 0x8f) return (type & 0x0f) * 2;
  if (type >= 0x90 && type <= 0x9f) return type & 0x0f;
  if (type === 0xdc) return readUint(bytes, offset + 1, 2, end);
  if (type === 0xdd) return readUint(bytes, offset + 1, 4, end);
  if (type === 0xde) return readUint(bytes, offset + 1, 2, end) * 2;
  if (type === 0xdf) return readUint(bytes, offset + 1, 4, end) * 2;
  return 0;
}

/** The offset past a scalar, or past a container's own header. */
function payloadEnd(bytes: Uint8Array, offset: number, end: number): number {
  const type = bytes[offset]!;
  if (type <= 0x9f || type >= 0xe0) return offset + 1;
  if (type <= 0xbf) return offset + 1 + (type & 0x1f);
  switch (type) {
    case 0xc0: // nil
    case 0xc2: // false
    case 0xc3: // true
      return offset + 1;
    case 0xc4: // bin 8
    case 0xd9: // str 8
      return offset + 2 + readUint(bytes, offset + 1, 1, end);
    case 0xc5: // bin 16
    case 0xda: // str 16
      return offset + 3 + readUint(bytes, offset + 1, 2, end);
    case 0xc6: // bin 32
    case 0xdb: // str 32
      return offset + 5 + readUint(bytes, offset + 1, 4, end);
    case 0xcc: // uint 8
    case 0xd0: // int 8
      return offset + 2;
    case 0xcd: // uint 16
    case 0xd1: // int 16
    case 0xdc: // array 16
    case 0xde: // map 16
      return offset + 3;
    case 0xca: // float 32
    case 0xce: // uint 32
    case 0xd2: // int 32
    case 0xdd: // array 32
    case 0xdf: // map 32
      return offset + 5;
    case 0xcb: // float 64
    case 0xcf: // uint 64
    case 0xd3: // int 64
      return offset + 9;
    default:
      throw new ProtocolViolation(
        `an envelope holds the msgpack type 0x${type.toString(16)}, which is not allowed`,
      );
  }
}

function readUint(bytes: Uint8Array, offset: number, size: 1 | 2 | 4, end: number): number {
  if (offset + size > end) throw new ProtocolViolation('an envelope ends in the middle of a value');
  let value = 0;
  for (let i = 0; i < size; i++) value = value * 256 + bytes[offset + i]!;
  return value;
}
