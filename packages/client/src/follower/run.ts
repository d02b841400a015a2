import {
  type Attributes,
  type Deliver,
  decodeAttributes,
  RECORD_ATTRIBUTES,
  RECORD_HEADER_BYTES,
  type RecordBatch,
  readRecord,
  type StreamRanges,
} from '@simplemq/protocol';
import type { HeldFollower } from './held-follower.ts';
import { Message } from './message.ts';

const NOTHING: Attributes = {};

/**
 * The messages of one DELIVER frame, taken one by one from where they lie in it.
 *
 * Invariant: `next` is the sequence number of the record at `#offset`, and `left` says how many are still there.
 */
export class Run<T> {
  readonly held: HeldFollower<T>;
  readonly stream: string;
  readonly attempt: number;
  readonly time: number;
  readonly records: Buffer;
  /** The bytes that the broker counts against bytesUpTo. */
  readonly bytes: number;
  left: number;
  next: number;
  #offset = 0;
  readonly #sharedBytes: Buffer;
  #shared: Attributes | undefined;

  constructor(held: HeldFollower<T>, delivery: Deliver & { readonly batch: RecordBatch }) {
    this.held = held;
    this.stream = delivery.stream;
    this.attempt = delivery.attempt;
    this.time = delivery.time;
    this.records = delivery.batch.records;
    this.bytes = delivery.batch.records.length;
    this.left = delivery.batch.count;
    this.next = delivery.first;
    this.#sharedBytes = delivery.batch.shared;
  }

  /** The sequence number of the last message. */
  get last(): number {
    return this.next + this.left - 1;
  }

  /** Only to be called while there is one left. */
  take(): Message<T> {
    const offset = this.#offset;
    const records = this.records;
    this.#offset =
      offset +
      4 +
      (records[offset]! * 0x1000000 +
        ((records[offset + 1]! << 16) | (records[offset + 2]! << 8) | records[offset + 3]!));
    this.left--;
    return new Message(this, this.next++, offset);
  }

  /** What was not taken. */
  ranges(): StreamRanges {
    return {
      stream: this.stream,
      ranges: [{ first: this.next, last: this.last, attempt: this.attempt }],
    };
  }

  /** The record at `offset`: its flags, body, and attributes with those that all records share. */
  record(offset: number): { flags: number; body: Buffer } {
    const records = this.records;
    if ((records[offset + 4]! & RECORD_ATTRIBUTES) !== 0) return readRecord(records, offset);
    const end = offset + 4 + records.readUInt32BE(offset);
    return { flags: records[offset + 4]!, body: records.subarray(offset + RECORD_HEADER_BYTES, end) };
  }

  attributes(offset: number): Attributes {
    this.#shared ??= this.#sharedBytes.length === 0 ? NOTHING : decodeAttributes(this.#sharedBytes);
    if ((this.records[offset + 4]! & RECORD_ATTRIBUTES) === 0) return this.#shared;
    return { ...this.#shared, ...decodeAttributes(readRecord(this.records, offset).attributes) };
  }
}
