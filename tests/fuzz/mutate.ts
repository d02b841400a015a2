import { crc32 } from 'node:zlib';
import type { Random } from './random.ts';

/** Bytes that mean something: msgpack headers, lengths at the edge of their type, record and batch flags. */
const TELLING = [
  '00',
  'ff',
  '7fffffff',
  'ffffffff',
  '80',
  '8f',
  '90',
  'c0',
  'c1',
  'c6ffffffff',
  'cb7ff0000000000000',
];
const MORE_TELLING = [
  'cf0020000000000000',
  'd3ffffffffffffffff',
  'd6ff00000000',
  'dbffffffff',
  'ddffffffff',
  'df00000001',
];
export const PIECES: readonly Buffer[] = [...TELLING, ...MORE_TELLING].map((hex) => Buffer.from(hex, 'hex'));

/** A copy of `bytes` with one to four random changes. */
export function mutate(random: Random, bytes: Buffer, others: readonly Buffer[]): Buffer {
  let copy: Buffer = Buffer.from(bytes);
  for (let changes = 1 + random.below(4); changes > 0; changes--) {
    copy = change(random, copy, others);
  }
  return random.below(2) === 0 ? copy : withChecksum(copy);
}

function change(random: Random, bytes: Buffer, others: readonly Buffer[]): Buffer {
  const at = random.below(bytes.length + 1);
  const length = random.below(12);
  switch (random.below(7)) {
    case 0:
      if (at < bytes.length) bytes[at]! ^= 1 << random.below(8);
      return bytes;
    case 1:
      return bytes.subarray(0, at);
    case 2:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
    case 3:
      return Buffer.concat([bytes.subarray(0, at), random.pick(PIECES), bytes.subarray(at)]);
    case 4:
      return Buffer.concat([bytes.subarray(0, at), random.pick(PIECES), bytes.subarray(at + length)]);
    case 5:
      return Buffer.concat([bytes.subarray(0, at + length), bytes.subarray(at)]);
    default: {
      const other = random.pick(others);
      return Buffer.concat([bytes.subarray(0, at), other.subarray(random.below(other.length + 1))]);
    }
  }
}

/**
 * If a batch seems to end the bytes, its length and checksum made right again, so that damage gets past them to what
 * checks the records.
 */
export function withChecksum(bytes: Buffer): Buffer {
  for (let at = 0; at + 16 <= bytes.length; at++) {
    const sharedEnd = at + 16 + bytes.readUInt16BE(at + 14);
    const looksRight = bytes.readUInt16BE(at) === 0 && bytes[at + 12]! <= 1 && bytes[at + 13] === 0;
    if (!looksRight || sharedEnd > bytes.length) continue;
    bytes.writeUInt32BE(bytes.length - sharedEnd, at + 4);
    bytes.writeUInt32BE(crc32(bytes.subarray(at + 16)), at + 8);
    return bytes;
  }
  return bytes;
}
