import { crc32 } from 'node:zlib';
import { scanValue } from '../envelope/scan.ts';
import { ProtocolViolation } from '../errors.ts';
import { ATTRIBUTES_BYTES_MAX, BATCH_RECORDS_MAX } from '../limits.ts';

/**
 * A record batch, all integers big-endian:
 *
 *   0         4         8         12      13    14         16
 *   +---------+---------+---------+-------+-----+----------+------------+-----------+
 *   |  count  |  bytes  |  crc32  | flags |  0  |  shared  | attributes | records … |
 *   |   u32   |   u32   |   u32   |  u8   | u8  |  u16     | all share  |           |
 *   +---------+---------+---------+-------+-----+----------+------------+-----------+
 *
 * `bytes` is the length of the records, `shared` that of the attributes which every record has (a msgpack map; 0 when
 * there are none), `crc32` that of everything after the 16 bytes of the header.
 */
export const BATCH_HEADER_BYTES = 16;
const CRC_AT = 8;
const FLAGS_AT = 12;

/** No record of the batch has attributes of its own. */
export const BATCH_PLAIN = 0x01;

export interface RecordBatch {
  readonly count: number;
  readonly flags: number;
  /** The attributes that every record has, as msgpack; empty when there are none. */
  readonly shared: Buffer;
  readonly records: Buffer;
}

const NOTHING: Buffer = Buffer.alloc(0);

/** Records from this size on are worth remembering. */
const REMEMBERED_BYTES_MIN = 4096;
/**
 * The CRC of records without shared attributes, by the very object that holds their bytes: whoever sends on what came,
 * or sends the same to many, need not read all of it again.
 */
const rememberedCrcs = new WeakMap<Uint8Array, number>();

/**
 * The batch that fills `bytes` to the last, checked against its CRC. Its records are views of `bytes`.
 *
 * @throws ProtocolViolation when it is not one
 */
export function decodeBatch(bytes: Buffer): RecordBatch {
  if (bytes.length < BATCH_HEADER_BYTES)
    throw new ProtocolViolation('a record batch is shorter than its header');
  const count = bytes.readUInt32BE(0);
  const recordsBytes = bytes.readUInt32BE(4);
  const flags = bytes[FLAGS_AT]!;
  const sharedBytes = bytes.readUInt16BE(14);
  const start = BATCH_HEADER_BYTES + sharedBytes;
  if (flags > BATCH_PLAIN || bytes[13] !== 0)
    throw new ProtocolViolation('a record batch has flags that are none');
  if (count === 0 || count > BATCH_RECORDS_MAX) {
    throw new ProtocolViolation(
      `a record batch has ${count} records; it must have 1 to ${BATCH_RECORDS_MAX}`,
    );
  }
  if (bytes.length !== start + recordsBytes) {
    throw new ProtocolViolation(
      `a record batch declares ${recordsBytes} bytes and has ${bytes.length - start}`,
    );
  }
  const crc = batchCrcOf(bytes);
  if (crc32(bytes.subarray(BATCH_HEADER_BYTES)) !== crc) {
    throw new ProtocolViolation('a record batch does not match its checksum');
  }
  const shared = sharedBytes === 0 ? NOTHING : bytes.subarray(BATCH_HEADER_BYTES, start);
  if (sharedBytes > 0 && scanValue(shared, 0) !== sharedBytes) {
    throw new ProtocolViolation('a record batch has bytes after its shared attributes');
  }
  const records = bytes.subarray(start);
  if (sharedBytes === 0 && recordsBytes >= REMEMBERED_BYTES_MIN) rememberedCrcs.set(records, crc);
  return { count, flags, shared, records };
}

/** The header and shared attributes that go before `records`, which are sent from where they lie. */
export function encodeBatchHead(count: number, flags: number, shared: Buffer, records: Uint8Array): Buffer {
  const head = Buffer.allocUnsafe(BATCH_HEADER_BYTES + shared.length);
  const crc = shared.length === 0 ? crcOf(records) : crc32(records, crc32(shared));
  writeBatchHead(head, { count, recordsBytes: records.length, crc, flags, shared });
  return head;
}

/** The CRC-32 of what follows a batch's header, as that has it: of its shared attributes and its records. */
export function batchCrcOf(head: Buffer): number {
  return head.readUInt32BE(CRC_AT);
}

/** The flags in a batch's header, which its CRC does not cover. */
export function batchFlagsOf(head: Buffer): number {
  return head[FLAGS_AT] ?? 0;
}

function crcOf(records: Uint8Array): number {
  if (records.length < REMEMBERED_BYTES_MIN) return crc32(records);
  let crc = rememberedCrcs.get(records);
  if (crc === undefined) {
    crc = crc32(records);
    rememberedCrcs.set(records, crc);
  }
  return crc;
}

export interface BatchHead {
  count: number;
  recordsBytes: number;
  crc: number;
  flags: number;
  shared: Buffer;
}

export function writeBatchHead(target: Buffer, head: BatchHead): void {
  if (head.shared.length > ATTRIBUTES_BYTES_MAX) throw new RangeError('shared attributes are too long');
  target.writeUInt32BE(head.count, 0);
  target.writeUInt32BE(head.recordsBytes, 4);
  target.writeUInt32BE(head.crc, CRC_AT);
  target[FLAGS_AT] = head.flags;
  target[13] = 0;
  target.writeUInt16BE(head.shared.length, 14);
  target.set(head.shared, BATCH_HEADER_BYTES);
}
