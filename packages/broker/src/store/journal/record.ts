import { crc32 } from 'node:zlib';

/**
 * A record of the journal is one commit; all integers are big-endian:
 *
 *   0        8            12           16         20         24
 *   +--------+------------+------------+----------+----------+--------+--------+
 *   |  salt  | meta bytes | data bytes | data crc | head crc | meta … | data … |
 *   +--------+------------+------------+----------+----------+--------+--------+
 *
 * `salt` is that of its segment, so that nothing else in the file, be it what the file held before or what a user
 * publishes, is taken for a record. `head crc` is the CRC-32 of the 20 bytes before it and of meta, XOR the bytes that lie
 * between the record before it, or the segment's header, and this one: fewer than a block. So a record that is damaged
 * does not go unnoticed where the one behind it begins at the next block.
 */
export const RECORD_HEAD_BYTES = 24;
export const SALT_BYTES = 8;

const META_BYTES_AT = 8;
const DATA_BYTES_AT = 12;
const DATA_CRC_AT = 16;
const HEAD_CRC_AT = 20;

export interface RecordHead {
  readonly metaBytes: number;
  readonly dataBytes: number;
  readonly dataCrc: number;
}

/** A commit as it goes to the journal, its head still to be filled in. */
export interface UnsealedRecord {
  readonly bytes: Buffer;
  readonly metaBytes: number;
  readonly dataCrc: number;
}

/** Fills in the head of a record whose meta and data are in their places, which is to lie so many bytes behind the one before. */
export function sealRecord(
  { bytes: record, metaBytes, dataCrc }: UnsealedRecord,
  salt: Buffer,
  gap: number,
): void {
  const dataAt = RECORD_HEAD_BYTES + metaBytes;
  salt.copy(record);
  record.writeUInt32BE(metaBytes, META_BYTES_AT);
  record.writeUInt32BE(record.length - dataAt, DATA_BYTES_AT);
  record.writeUInt32BE(dataCrc, DATA_CRC_AT);
  const crc = headCrcOf(record, record.subarray(RECORD_HEAD_BYTES, dataAt));
  record.writeUInt32BE((crc ^ gap) >>> 0, HEAD_CRC_AT);
}

/** What the head says, if it is one of this segment's. */
export function readHead(head: Buffer, salt: Buffer): RecordHead | undefined {
  if (head.length < RECORD_HEAD_BYTES || head.compare(salt, 0, SALT_BYTES, 0, SALT_BYTES) !== 0)
    return undefined;
  return {
    metaBytes: head.readUInt32BE(META_BYTES_AT),
    dataBytes: head.readUInt32BE(DATA_BYTES_AT),
    dataCrc: head.readUInt32BE(DATA_CRC_AT),
  };
}

/** What is XOR a head's CRC: the bytes between its record and the one before, where both are as they were written. */
export function gapOf(head: Buffer, meta: Buffer): number {
  return (headCrcOf(head, meta) ^ head.readUInt32BE(HEAD_CRC_AT)) >>> 0;
}

function headCrcOf(head: Buffer, meta: Buffer): number {
  return crc32(meta, crc32(head.subarray(0, HEAD_CRC_AT)));
}
