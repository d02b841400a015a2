import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  writeSync,
  writevSync,
} from 'node:fs';
import { crc32 } from 'node:zlib';
import { FILE_MODE } from '../file-modes.ts';
import { DirectFile, roundUp } from './direct-file.ts';
import { readUpTo, writeWhole } from './file-bytes.ts';
import { RECORD_HEAD_BYTES, SALT_BYTES, sealRecord, type UnsealedRecord } from './record.ts';

/**
 * The header of a segment, all integers big-endian:
 *
 *   0         4         8        16             24       32      36
 *   +---------+---------+--------+--------------+--------+-------+
 *   |  magic  | version |   id   | previous end |  salt  |  crc  |
 *   +---------+---------+--------+--------------+--------+-------+
 *
 * `previous end` is where the records of the segment before it end: whoever reads the journal knows by it that none of
 * those is missing. The header is on the disk before the first record is written.
 */
export const SEGMENT_HEADER_BYTES = 36;

const MAGIC = 0x534d514a; // "SMQJ"
/** Behind the records may be what the file held before it became this segment's. */
const VERSION_USED = 3;
/** Behind the records are zeros, in a file that held nothing before. */
const VERSION_NEW = 4;
/** The same two of segments whose records do not tell how far behind the one before they lie. */
const VERSION_USED_WITHOUT_GAPS = 1;
const VERSION_NEW_WITHOUT_GAPS = 2;
const NO_SALT: Buffer = Buffer.alloc(SALT_BYTES);
const CRC_AT = 32;
const SALT_AT = 24;
/**
 * A small record takes this many zeros along where the file has none yet: the next ones then change nothing of the file
 * but its data, which is synced in two thirds of the time, and nothing is to be read before it is written.
 */
const AHEAD: Buffer = Buffer.alloc(128 * 1024);
const NO_HEAD: Buffer = Buffer.alloc(RECORD_HEAD_BYTES);
/** A record of this size or more is written past the operating system's cache, where that is possible. */
const DIRECT_BYTES = 128 * 1024;

export interface SegmentStart {
  readonly id: number;
  readonly previousEnd: number;
  /** Whether its file held nothing before. */
  readonly isNew: boolean;
  /** Whether its records tell how far behind the one before they lie. */
  readonly tellsGaps: boolean;
}

/** One file of the journal: a header, then records, each synced before the next is written. */
export class Segment {
  readonly id: number;
  readonly previousEnd: number;
  readonly isNew: boolean;
  readonly tellsGaps: boolean;
  readonly salt: Buffer;
  readonly #descriptor: number;
  #direct: DirectFile | undefined;
  #fileBytes: number;
  #end: number = SEGMENT_HEADER_BYTES;
  /** Up to here there are zeros behind the end. */
  #zerosEnd = 0;
  #isEndDirect = false;

  private constructor(
    descriptor: number,
    { id, previousEnd, isNew, tellsGaps }: SegmentStart,
    salt: Buffer,
    direct?: DirectFile,
  ) {
    this.#descriptor = descriptor;
    this.#direct = direct;
    this.id = id;
    this.previousEnd = previousEnd;
    this.isNew = isNew;
    this.tellsGaps = tellsGaps;
    this.salt = salt;
    this.#fileBytes = fstatSync(descriptor).size;
  }

  /**
   * Begins a segment in a file that is new, or whose content is of no use any more. Its header is on the disk
   * afterwards: one that is not whole is damaged if there may be records behind it.
   */
  static begin(path: string, { id, previousEnd }: Pick<SegmentStart, 'id' | 'previousEnd'>): Segment {
    const descriptor = openSync(path, constants.O_RDWR | constants.O_CREAT, FILE_MODE);
    const start = { id, previousEnd, isNew: fstatSync(descriptor).size === 0, tellsGaps: true };
    const segment = new Segment(descriptor, start, randomBytes(SALT_BYTES), DirectFile.open(path));
    try {
      segment.#writeAll([segment.#header()], 0);
      syncData(descriptor);
    } catch (error) {
      segment.close();
      throw error;
    }
    return segment;
  }

  /** Undefined when the file does not begin with the header of this segment. */
  static open(path: string, id: number, mode: 'r' | 'r+' = 'r+'): Segment | undefined {
    const descriptor = openSync(path, mode);
    const header = readHeader(descriptor);
    if (header?.id === id) return new Segment(descriptor, header, header.salt);
    closeSync(descriptor);
    return undefined;
  }

  /** A segment whose header is damaged: what lies where in it can be read, and no record can be told. */
  static openWithoutHeader(path: string, id: number): Segment {
    return new Segment(openSync(path, 'r'), { id, previousEnd: 0, isNew: false, tellsGaps: false }, NO_SALT);
  }

  /** Whether a file that should be a segment has no record: it was not written to before a crash. */
  static isUnwritten(path: string, id: number): boolean {
    const descriptor = openSync(path, 'r');
    try {
      const header = readHeader(descriptor);
      // The header of another segment is that of a file which is used again.
      return header === undefined ? fstatSync(descriptor).size <= SEGMENT_HEADER_BYTES : header.id !== id;
    } finally {
      closeSync(descriptor);
    }
  }

  get hasHeader(): boolean {
    return this.salt !== NO_SALT;
  }

  get fileBytes(): number {
    return this.#fileBytes;
  }

  /** Where the last record ends. */
  get end(): number {
    return this.#end;
  }

  /** Where a record of so many bytes goes: behind the last one, or, if either is written directly, at the next block. */
  placeOf(recordBytes: number): number {
    return this.#isEndDirect || this.#isDirect(recordBytes) ? roundUp(this.#end) : this.#end;
  }

  /**
   * Writes a record behind the last one, and syncs it.
   *
   * @throws Error with the code ENOSPC or EDQUOT when there is no room: the record is not there
   */
  append(unsealed: UnsealedRecord): void {
    const record = unsealed.bytes;
    const position = this.placeOf(record.length);
    sealRecord(unsealed, this.salt, position - this.#end);
    try {
      this.#isEndDirect = this.#isDirect(record.length) && this.#writeDirectly(record, position);
      if (!this.#isEndDirect) this.#writeThroughCache(record, position);
    } catch (error) {
      this.#eraseHead(position);
      throw error;
    }
    syncData(this.#descriptor);
    this.#end = position + record.length;
  }

  /** As many of these bytes as the file has. */
  read(position: number, length: number): Buffer<ArrayBuffer> {
    return readUpTo(this.#descriptor, position, length);
  }

  /** Gives back what lies behind the last record. */
  trimTo(end: number): void {
    this.#end = end;
    if (this.#fileBytes <= end) return;
    ftruncateSync(this.#descriptor, end);
    this.#fileBytes = end;
  }

  /** What was written to it, and cut off, is on the disk afterwards. */
  sync(): void {
    syncData(this.#descriptor);
  }

  close(): void {
    this.#direct?.close();
    closeSync(this.#descriptor);
  }

  #isDirect(recordBytes: number): boolean {
    return this.#direct !== undefined && recordBytes >= DIRECT_BYTES;
  }

  #header(): Buffer {
    const header = Buffer.alloc(SEGMENT_HEADER_BYTES);
    header.writeUInt32BE(MAGIC, 0);
    header.writeUInt32BE(this.isNew ? VERSION_NEW : VERSION_USED, 4);
    header.writeBigUInt64BE(BigInt(this.id), 8);
    header.writeBigUInt64BE(BigInt(this.previousEnd), 16);
    this.salt.copy(header, SALT_AT);
    header.writeUInt32BE(crc32(header.subarray(0, CRC_AT)), CRC_AT);
    return header;
  }

  /** @returns whether that is possible; some file systems tell so only now */
  #writeDirectly(record: Buffer, position: number): boolean {
    try {
      this.#direct!.write(record, position);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error;
      this.#direct!.close();
      this.#direct = undefined;
      return false;
    }
    this.#fileBytes = Math.max(this.#fileBytes, roundUp(position + record.length));
    return true;
  }

  #writeThroughCache(record: Buffer, position: number): void {
    const needsZeros = position + record.length > this.#zerosEnd && record.length < AHEAD.length;
    const written = this.#writeAll(needsZeros ? [record, AHEAD] : [record], position);
    this.#zerosEnd = Math.max(this.#zerosEnd, written);
  }

  /** What was begun there and has no room is not to be taken for a record. */
  #eraseHead(position: number): void {
    try {
      writeSync(this.#descriptor, NO_HEAD, 0, NO_HEAD.length, position);
    } catch {
      // Then nothing of it was written either, or not all of its data, which its CRC tells.
    }
  }

  /** The first of these is written whole; of the others, as much as there is room for. @returns where that ends */
  #writeAll([first, ...others]: [Buffer, ...Buffer[]], position: number): number {
    const begun = others.length === 0 ? 0 : writevSync(this.#descriptor, [first, ...others], position);
    writeWhole(this.#descriptor, first.subarray(begun), position + begun);
    const written = Math.max(begun, first.length);
    this.#fileBytes = Math.max(this.#fileBytes, position + written);
    return position + written;
  }
}

/** Undefined when it is not whole. */
function readHeader(descriptor: number): (SegmentStart & { readonly salt: Buffer }) | undefined {
  const header = Buffer.alloc(SEGMENT_HEADER_BYTES);
  readSync(descriptor, header, 0, SEGMENT_HEADER_BYTES, 0);
  const isWhole =
    header.readUInt32BE(0) === MAGIC && header.readUInt32BE(CRC_AT) === crc32(header.subarray(0, CRC_AT));
  const version = header.readUInt32BE(4);
  const tellsGaps = version === VERSION_USED || version === VERSION_NEW;
  const isKnown = tellsGaps || version === VERSION_USED_WITHOUT_GAPS || version === VERSION_NEW_WITHOUT_GAPS;
  if (!isWhole || !isKnown) return undefined;
  return {
    id: Number(header.readBigUInt64BE(8)),
    previousEnd: Number(header.readBigUInt64BE(16)),
    isNew: version === VERSION_NEW || version === VERSION_NEW_WITHOUT_GAPS,
    tellsGaps,
    salt: header.subarray(SALT_AT, SALT_AT + SALT_BYTES),
  };
}

/** @throws Error without a code: what is on the disk then is not known, whatever was the cause */
function syncData(descriptor: number): void {
  try {
    fdatasyncSync(descriptor);
  } catch (cause) {
    throw new Error(`the journal cannot be synced: ${(cause as Error).message}`, { cause });
  }
}
