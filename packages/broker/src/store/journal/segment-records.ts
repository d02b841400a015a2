import { crc32 } from 'node:zlib';
import { BLOCK_BYTES, roundUp } from './direct-file.ts';
import { JournalDamaged } from './journal-damaged.ts';
import { gapOf, RECORD_HEAD_BYTES, type RecordHead, readHead, SALT_BYTES } from './record.ts';
import { SEGMENT_HEADER_BYTES, type Segment } from './segment.ts';

/** What a search reads at a time. */
const SEARCH_BYTES = 4 * 1024 * 1024;

const ZEROS: Buffer = Buffer.alloc(SEARCH_BYTES);

/** More than the head and the meta of most records. */
const HEAD_READ_BYTES = 4096;

/** A record of which only the meta was read. */
export interface RecordMeta {
  readonly meta: Buffer;
  /** Where its data lies. */
  readonly segment: number;
  readonly position: number;
  readonly dataBytes: number;
}

export interface JournalRecord {
  readonly meta: Buffer;
  readonly data: Buffer;
  /** Where its data lies. */
  readonly segment: number;
  readonly position: number;
  /** Whether its data is as it was written. */
  readonly isWhole: boolean;
}

/** Something at the end of the journal that is no whole record. */
export interface TornEnd {
  readonly segment: number;
  /** Where it begins. */
  readonly position: number;
  /** The meta of the record, where that is whole and its data is not. */
  readonly meta: Buffer | undefined;
}

/** A salt with no more bits wrong than this was one. */
const SALT_BITS_WRONG_MAX = 8;

/**
 * The records of a segment from a position on, in order. Returns where the last of them ends.
 *
 * A crash can tear only the last record, which nobody was told of: each was synced before the next was written. So a
 * record that is not whole ends the segment, and one with others behind it is damage. Then its data is given as it is,
 * for whoever reads a batch of it checks that; without its meta it cannot be told what was there.
 *
 * What a crash has torn looks like a last record that was damaged later: `onTorn` is told.
 *
 * @throws JournalDamaged when the meta of a record is damaged
 */
export function* recordsOf(
  segment: Segment,
  from: number,
  isLast: boolean,
  onTorn: (end: TornEnd) => void = () => {},
): Generator<JournalRecord, number> {
  // Where the last whole record ends; what is written directly begins at the next block.
  let end = Math.max(from, SEGMENT_HEADER_BYTES);
  for (;;) {
    const found = findRecord(segment, end);
    if (found === undefined) break;
    const { position, meta, dataBytes, dataCrc } = found;
    const dataPosition = position + RECORD_HEAD_BYTES + meta.length;
    const recordEnd = dataPosition + dataBytes;
    const data = segment.read(dataPosition, dataBytes);
    const isWhole = data.length === dataBytes && crc32(data) === dataCrc;
    if (!isWhole && isLast && !hasRecordFrom(segment, recordEnd)) {
      onTorn({ segment: segment.id, position, meta });
      // Not where it begins: once it is cut off, the next start finds the end there too.
      return end;
    }
    yield { meta, data, segment: segment.id, position: dataPosition, isWhole };
    end = recordEnd;
  }
  if (hasRecordFrom(segment, end + 1)) {
    throw new JournalDamaged(`segment ${segment.id} of the journal is damaged at byte ${end}`);
  }
  if (hasTornRecord(segment, end)) onTorn({ segment: segment.id, position: end, meta: undefined });
  return end;
}

/** The same up to the first that is not to be found, without their data. */
export function* metasOf(segment: Segment, from: number): Generator<RecordMeta, void> {
  let end = Math.max(from, SEGMENT_HEADER_BYTES);
  for (;;) {
    const found = findRecord(segment, end);
    if (found === undefined) return;
    const { meta, dataBytes } = found;
    const position = found.position + RECORD_HEAD_BYTES + meta.length;
    yield { meta, segment: segment.id, position, dataBytes };
    end = position + dataBytes;
  }
}

interface FoundRecord extends RecordHead {
  readonly position: number;
  readonly meta: Buffer;
  /** Bytes between it and the record before. */
  readonly gap: number;
}

/** The record that follows one which ends there: what is written directly begins at the next block. */
function findRecord(segment: Segment, end: number): FoundRecord | undefined {
  for (const position of new Set([end, roundUp(end)])) {
    const record = recordAt(segment, position);
    if (record !== undefined && (record.gap === position - end || !segment.tellsGaps)) return record;
  }
  return undefined;
}

/** Whether there is something behind the last record that is neither zeros nor what the file held before. */
function hasTornRecord(segment: Segment, end: number): boolean {
  if (segment.isNew) return hasBytesFrom(segment, end);
  return [end, roundUp(end)].some((position) => {
    const bytes = segment.read(position, SALT_BYTES);
    const wrong = bytes.reduce((bits, byte, index) => bits + bitsOf(byte ^ segment.salt[index]!), 0);
    return bytes.length === SALT_BYTES && wrong <= SALT_BITS_WRONG_MAX;
  });
}

function hasBytesFrom(segment: Segment, from: number): boolean {
  for (let position = from; position < segment.fileBytes; position += SEARCH_BYTES) {
    const bytes = segment.read(position, SEARCH_BYTES);
    if (!bytes.equals(ZEROS.subarray(0, bytes.length))) return true;
  }
  return false;
}

function bitsOf(byte: number): number {
  let bits = 0;
  for (let left = byte; left > 0; left >>= 1) bits += left & 1;
  return bits;
}

/** The head of the record there and its meta, if there is one. */
function recordAt(segment: Segment, position: number): FoundRecord | undefined {
  const bytes = segment.read(position, HEAD_READ_BYTES);
  const head = readHead(bytes, segment.salt);
  if (head === undefined) return undefined;
  const metaAt = position + RECORD_HEAD_BYTES;
  const isRead = RECORD_HEAD_BYTES + head.metaBytes <= bytes.length;
  if (!isRead && metaAt + head.metaBytes > segment.fileBytes) return undefined;
  const meta = isRead
    ? bytes.subarray(RECORD_HEAD_BYTES, RECORD_HEAD_BYTES + head.metaBytes)
    : segment.read(metaAt, head.metaBytes);
  const gap = gapOf(bytes, meta);
  return gap === 0 || (gap < BLOCK_BYTES && segment.tellsGaps) ? { ...head, position, meta, gap } : undefined;
}

function hasRecordFrom(segment: Segment, from: number): boolean {
  for (let position = from; position < segment.fileBytes; ) {
    const bytes = segment.read(position, SEARCH_BYTES);
    const found = bytes.indexOf(segment.salt);
    if (found >= 0) {
      if (recordAt(segment, position + found) !== undefined) return true;
      position += found + 1;
    } else position += Math.max(1, bytes.length - SALT_BYTES + 1);
  }
  return false;
}
