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
import { DirectFile, roundUp } from './direct-file.ts';
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
 * those is missing.
 */
export const SEGMENT_HEADER_BYTES = 36;

const MAGIC = 0x534d514a; // "SMQJ"
const VERSION = 1;
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
}

/** One file of the journal: a header, then records, each synced before the next is written. */
export class Segment {
  readonly id: number;
  readonly previousEnd: number;
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
    { id, previousEnd }: SegmentStart,
    salt: Buffer,
    direct?: DirectFile,
  ) {
    this.#descriptor = descriptor;
    this.#direct = direct;
    this.id = id;
    this.previousEnd = previousEnd;
    this.salt = salt;
    this.#fileBytes = fstatSync(descriptor).size;
  }

  /** Begins a segment in a file that is new, or whose content is of no use any more; the first append syncs it. */
  static begin(path: string, start: SegmentStart): Segment {
    const descriptor = openSync(path, constants.O_RDWR | constants.O_CREAT);
    const segment = new Segment(descriptor, start, randomBytes(SALT_BYTES), DirectFile.open(path));
    try {
      segment.#writeAll([segment.#header()], 0);
    } catch (error) {
      segment.close();
      throw error;
    }
    return segment;
  }

  /** Undefined when the file does not begin with the header of this segment. */
  static open(path: string, id: number): Segment | undefined {
    const descriptor = openSync(path, 'r+');
    const header = Buffer.alloc(SEGMENT_HEADER_BYTES);
    readSync(descriptor, header, 0, SEGMENT_HEADER_BYTES, 0);
    const isWhole =
      header.readUInt32BE(0) === MAGIC && header.readUInt32BE(CRC_AT) === crc32(header.subarray(0, CRC_AT));
    if (isWhole && header.readUInt32BE(4) === VERSION && Number(header.readBigUInt64BE(8)) === id) {
      const previousEnd = Number(header.readBigUInt64BE(16));
      return new Segment(descriptor, { id, previousEnd }, header.subarray(SALT_AT, SALT_AT + SALT_BYTES));
    }
    closeSync(descriptor);
    return undefined;
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
    sealRecord(unsealed, this.salt);
    const record = unsealed.bytes;
    const position = this.placeOf(record.length);
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
    const bytes = Buffer.allocUnsafeSlow(length);
    let read = 0;
    while (read < length) {
      const more = readSync(this.#descriptor, bytes, read, length - read, position + read);
      if (more === 0) return bytes.subarray(0, read);
      read += more;
    }
    return bytes;
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
    header.writeUInt32BE(VERSION, 4);
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
    let written =
      others.length === 0
        ? writeSync(this.#descriptor, first, 0, first.length, position)
        : writevSync(this.#descriptor, [first, ...others], position);
    while (written < first.length) {
      written += writeSync(this.#descriptor, first, written, first.length - written, position + written);
    }
    this.#fileBytes = Math.max(this.#fileBytes, position + written);
    return position + written;
  }
}

/** @throws Error without a code: what is on the disk then is not known, whatever was the cause */
function syncData(descriptor: number): void {
  try {
    fdatasyncSync(descriptor);
  } catch (cause) {
    throw new Error(`the journal cannot be synced: ${(cause as Error).message}`, { cause });
  }
}
