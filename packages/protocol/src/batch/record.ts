import { scanValue } from '../envelope/scan.ts';
import { ProtocolViolation } from '../errors.ts';
import { ATTRIBUTES_BYTES_MAX } from '../limits.ts';
import { BATCH_PLAIN, type RecordBatch } from './batch.ts';

/**
 * A record:
 *
 *   0        4       5
 *   +--------+-------+------------+--------+
 *   | length | flags | attributes | body … |
 *   |  u32   |  u8   |  msgpack   |        |
 *   +--------+-------+------------+--------+
 *
 * `length` counts what follows it. The attributes (a map) are there only when the flags say so and end where msgpack
 * ends them. The body is what the publisher's codec made of the value; the broker never looks into it.
 */
export const RECORD_HEADER_BYTES = 5;

/** The record begins with attributes of its own. */
export const RECORD_ATTRIBUTES = 0x01;
/** The body is bytes as the publisher gave them; without this flag it is one msgpack value. */
export const RECORD_RAW = 0x02;

export interface RecordView {
  readonly flags: number;
  /** The record's own attributes as msgpack; empty when it has none. */
  readonly attributes: Buffer;
  readonly body: Buffer;
  /** The offset at which the next record begins. */
  readonly end: number;
}

const NOTHING: Buffer = Buffer.alloc(0);

/** The record at `offset` of records that were validated. */
export function readRecord(records: Buffer, offset: number): RecordView {
  const end = offset + 4 + records.readUInt32BE(offset);
  const flags = records[offset + 4]!;
  let bodyStart = offset + RECORD_HEADER_BYTES;
  let attributes: Buffer = NOTHING;
  if ((flags & RECORD_ATTRIBUTES) !== 0) {
    const attributesEnd = scanValue(records, bodyStart, end);
    attributes = records.subarray(bodyStart, attributesEnd);
    bodyStart = attributesEnd;
  }
  return { flags, attributes, body: records.subarray(bodyStart, end), end };
}

/** The offset `count` records past `offset`, in records that were validated. */
export function skipRecords(records: Buffer, offset: number, count: number): number {
  let end = offset;
  for (let i = 0; i < count; i++) end += 4 + readUint32(records, end);
  return end;
}

export interface RecordRules {
  /**
   * Reads the attributes of a record, for each that has some: they begin at `start`, and the record ends at `end`.
   * Without it they may be any msgpack value.
   *
   * @returns the offset past the attributes
   */
  readAttributes?: (records: Buffer, start: number, end: number) => number;
  /** Called with the size of each body, in bytes. */
  onBody?: (bytes: number) => void;
}

/**
 * Steps over every record once, so that whoever cuts the batch later can trust its lengths.
 *
 * @throws ProtocolViolation when the records do not fill the batch exactly, or have flags that are none
 */
export function validateRecords(batch: RecordBatch, rules: RecordRules = {}): void {
  const { records, count } = batch;
  const plain = (batch.flags & BATCH_PLAIN) !== 0;
  const total = records.length;
  const readAttributes = rules.readAttributes ?? scanValue;
  let offset = 0;
  for (let i = 0; i < count; i++) {
    if (total - offset < RECORD_HEADER_BYTES)
      throw new ProtocolViolation('a record batch ends inside a record');
    const length = readUint32(records, offset);
    const end = offset + 4 + length;
    if (length < 1 || end > total) throw new ProtocolViolation('a record is longer than its batch');
    const flags = records[offset + 4]!;
    if (flags > (RECORD_ATTRIBUTES | RECORD_RAW))
      throw new ProtocolViolation('a record has flags that are none');
    let bodyStart = offset + RECORD_HEADER_BYTES;
    if ((flags & RECORD_ATTRIBUTES) !== 0) {
      if (plain) throw new ProtocolViolation('a record of a plain batch has attributes of its own');
      const attributesEnd = readAttributes(records, bodyStart, end);
      checkLength(attributesEnd - bodyStart);
      bodyStart = attributesEnd;
    }
    rules.onBody?.(end - bodyStart);
    offset = end;
  }
  if (offset !== total) throw new ProtocolViolation('a record batch has bytes after its last record');
}

function checkLength(attributesBytes: number): void {
  if (attributesBytes <= ATTRIBUTES_BYTES_MAX) return;
  throw new ProtocolViolation(`a record's attributes are longer than ${ATTRIBUTES_BYTES_MAX} bytes`);
}

/** As Buffer.readUInt32BE without its checks: this runs once for every record that crosses the broker. */
function readUint32(bytes: Buffer, offset: number): number {
  return (
    bytes[offset]! * 0x1000000 + ((bytes[offset + 1]! << 16) | (bytes[offset + 2]! << 8) | bytes[offset + 3]!)
  );
}
