import {
  type Attributes,
  decodeAttributes,
  ProtocolViolation,
  RECORD_ATTRIBUTES,
  RECORD_HEADER_BYTES,
  type RecordBatch,
  readRecord,
} from '@simplemq/protocol';
import type { BodyReader } from './body-reader.ts';

/** Neighbouring messages as they came in one batch, and when the broker took them in. */
export interface ReceivedRun {
  readonly stream: string;
  readonly time: number;
  readonly batch: RecordBatch;
}

const NOTHING: Attributes = {};

/** The records of one received batch, read one by one from where they lie in their frame. */
export class RecordRun<T> {
  readonly stream: string;
  /** When the broker took them in, in milliseconds since 1970 UTC. */
  readonly time: number;
  readonly records: Buffer;
  readonly #readBody: BodyReader<T>;
  readonly #sharedBytes: Buffer;
  #shared: Attributes | undefined;

  constructor({ stream, time, batch }: ReceivedRun, readBody: BodyReader<T>) {
    this.stream = stream;
    this.time = time;
    this.records = batch.records;
    this.#readBody = readBody;
    this.#sharedBytes = batch.shared;
  }

  /** @throws ProtocolViolation when the codec cannot decode it; `sequence` is for that error */
  body(offset: number, sequence: number): T {
    const { flags, body } = this.#record(offset);
    try {
      return this.#readBody(body, flags);
    } catch (cause) {
      throw new ProtocolViolation(
        `the body of ${this.stream} ${sequence} cannot be decoded; does the publisher use the same codec?`,
        { cause, details: { stream: this.stream, sequence } },
      );
    }
  }

  /** Those of the record at `offset`, with those that all records share. */
  attributes(offset: number): Attributes {
    this.#shared ??= this.#sharedBytes.length === 0 ? NOTHING : decodeAttributes(this.#sharedBytes);
    if ((this.records[offset + 4]! & RECORD_ATTRIBUTES) === 0) return this.#shared;
    return { ...this.#shared, ...decodeAttributes(readRecord(this.records, offset).attributes) };
  }

  /** The offset of the record after the one at `offset`. */
  after(offset: number): number {
    const records = this.records;
    return (
      offset +
      4 +
      (records[offset]! * 0x1000000 +
        ((records[offset + 1]! << 16) | (records[offset + 2]! << 8) | records[offset + 3]!))
    );
  }

  #record(offset: number): { flags: number; body: Buffer } {
    const records = this.records;
    const flags = records[offset + 4]!;
    if ((flags & RECORD_ATTRIBUTES) !== 0) return readRecord(records, offset);
    return { flags, body: records.subarray(offset + RECORD_HEADER_BYTES, this.after(offset)) };
  }
}
