import { crc32 } from 'node:zlib';
import { roundUp } from './direct-file.ts';
import { headCrcOf, RECORD_HEAD_BYTES, type RecordHead, readHead, SALT_BYTES } from './record.ts';
import { SEGMENT_HEADER_BYTES, type Segment } from './segment.ts';

/** What a search reads at a time. */
const SEARCH_BYTES = 4 * 1024 * 1024;

export interface JournalRecord {
  readonly meta: Buffer;
  readonly data: Buffer;
  /** Where its data lies. */
  readonly segment: number;
  readonly position: number;
}

/**
 * The records of a segment from a position on, in order. Returns where the last of them ends.
 *
 * A crash can tear only the last record, which nobody was told of: each was synced before the next was written. So a
 * record that is not whole ends the segment, and one with others behind it is damage. Then its data is given as it is,
 * for whoever reads a batch of it checks that; without its meta it cannot be told what was there.
 *
 * @throws Error with one line for people when the meta of a record is damaged
 */
export function* recordsOf(
  segment: Segment,
  from: number,
  isLast: boolean,
): Generator<JournalRecord, number> {
  let position = Math.max(from, SEGMENT_HEADER_BYTES);
  for (;;) {
    let head = headAt(segment, position);
    const nextBlock = roundUp(position);
    if (head === undefined && nextBlock > position) {
      head = headAt(segment, nextBlock);
      if (head !== undefined) position = nextBlock;
    }
    if (head === undefined) break;
    const dataPosition = position + RECORD_HEAD_BYTES + head.metaBytes;
    const end = dataPosition + head.dataBytes;
    const body = segment.read(position + RECORD_HEAD_BYTES, head.metaBytes + head.dataBytes);
    const data = body.subarray(head.metaBytes);
    const isWhole = data.length === head.dataBytes && crc32(data) === head.dataCrc;
    if (!isWhole && isLast && !hasRecordFrom(segment, end)) return position;
    yield { meta: body.subarray(0, head.metaBytes), data, segment: segment.id, position: dataPosition };
    position = end;
  }
  if (hasRecordFrom(segment, position + 1)) {
    throw new Error(`segment ${segment.id} of the journal is damaged at byte ${position}`);
  }
  return position;
}

/** The head of the record there, if there is one with its meta. */
function headAt(segment: Segment, position: number): RecordHead | undefined {
  const bytes = segment.read(position, RECORD_HEAD_BYTES);
  const head = readHead(bytes, segment.salt);
  if (head === undefined || position + RECORD_HEAD_BYTES + head.metaBytes > segment.fileBytes)
    return undefined;
  const meta = segment.read(position + RECORD_HEAD_BYTES, head.metaBytes);
  return headCrcOf(bytes, meta) === head.headCrc ? head : undefined;
}

function hasRecordFrom(segment: Segment, from: number): boolean {
  for (let position = from; position < segment.fileBytes; ) {
    const bytes = segment.read(position, SEARCH_BYTES);
    const found = bytes.indexOf(segment.salt);
    if (found >= 0) {
      if (headAt(segment, position + found) !== undefined) return true;
      position += found + 1;
    } else position += Math.max(1, bytes.length - SALT_BYTES + 1);
  }
  return false;
}
