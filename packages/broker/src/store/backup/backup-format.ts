import { crc32 } from 'node:zlib';

/**
 * A backup is a header and chunks, all integers big-endian:
 *
 *   0       4         8     12
 *   +-------+---------+-----+
 *   | magic | version | crc |
 *   +-------+---------+-----+
 *
 *   0        4      8        12    16
 *   +--------+------+--------+-----+--------+
 *   | number | kind | length | crc | body … |
 *   +--------+------+--------+-----+--------+
 *
 * Chunks are numbered from 0. The CRC-32 of a header covers what is before it, that of a chunk what is before it and
 * the body. A FILE chunk begins a file of the data folder, `{"name", "bytes"}` as JSON; DATA chunks are what is in it, in
 * order; the END chunk, `{"files", "bytes", "crc"}`, has the sums and the CRC-32 of all data, and is the last.
 */
export const BACKUP_HEADER_BYTES = 12;
export const CHUNK_HEAD_BYTES = 16;

export const ChunkKind = { File: 1, Data: 2, End: 3 } as const;
export type ChunkKind = (typeof ChunkKind)[keyof typeof ChunkKind];

const MAGIC = 0x534d5142; // "SMQB"
export const BACKUP_VERSION = 1;
const HEADER_CRC_AT = 8;
const CHUNK_CRC_AT = 12;

/** What a file chunk tells. */
export interface BackupFile {
  readonly name: string;
  readonly bytes: number;
}

/** What the last chunk tells. */
export interface BackupEnd {
  readonly files: number;
  readonly bytes: number;
  readonly crc: number;
}

export interface ChunkHead {
  readonly number: number;
  readonly kind: number;
  readonly length: number;
  readonly crc: number;
}

export function encodeBackupHeader(): Buffer {
  const header = Buffer.alloc(BACKUP_HEADER_BYTES);
  header.writeUInt32BE(MAGIC, 0);
  header.writeUInt32BE(BACKUP_VERSION, 4);
  header.writeUInt32BE(crc32(header.subarray(0, HEADER_CRC_AT)), HEADER_CRC_AT);
  return header;
}

/** @returns the version, or undefined when these are not the first bytes of a backup */
export function decodeBackupHeader(header: Buffer): number | undefined {
  if (header.length < BACKUP_HEADER_BYTES || header.readUInt32BE(0) !== MAGIC) return undefined;
  const isWhole = header.readUInt32BE(HEADER_CRC_AT) === crc32(header.subarray(0, HEADER_CRC_AT));
  return isWhole ? header.readUInt32BE(4) : undefined;
}

export function encodeChunkHead(number: number, kind: ChunkKind, body: Uint8Array): Buffer {
  const head = Buffer.alloc(CHUNK_HEAD_BYTES);
  head.writeUInt32BE(number, 0);
  head.writeUInt32BE(kind, 4);
  head.writeUInt32BE(body.length, 8);
  head.writeUInt32BE(chunkCrcOf(head, body), CHUNK_CRC_AT);
  return head;
}

export function decodeChunkHead(head: Buffer): ChunkHead {
  return {
    number: head.readUInt32BE(0),
    kind: head.readUInt32BE(4),
    length: head.readUInt32BE(8),
    crc: head.readUInt32BE(CHUNK_CRC_AT),
  };
}

export function chunkCrcOf(head: Uint8Array, body: Uint8Array): number {
  return crc32(body, crc32(head.subarray(0, CHUNK_CRC_AT)));
}
