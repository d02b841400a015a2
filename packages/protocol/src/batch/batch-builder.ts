import { crc32 } from 'node:zlib';
import { BATCH_HEADER_BYTES, BATCH_PLAIN, writeBatchHead } from './batch.ts';
import { RECORD_ATTRIBUTES, RECORD_HEADER_BYTES, RECORD_RAW } from './record.ts';

export interface BatchBuilderOptions {
  /** Attributes that every record of the batch has, as msgpack. */
  shared?: Buffer;
  /** What to allocate at first, in bytes; it doubles as it fills. */
  initialBytes?: number;
  /** Where memory comes from: at least so many bytes, with anything in them. A buffer of the allocator's unless given. */
  take?: (bytes: number) => Buffer;
}

const NOTHING: Buffer = Buffer.alloc(0);

/** Builds one record batch in one buffer: records are written where they will be sent from. */
export class BatchBuilder {
  readonly #shared: Buffer;
  readonly #take: (bytes: number) => Buffer;
  #buffer: Buffer;
  #end: number;
  #count = 0;
  #plain = true;

  constructor(options: BatchBuilderOptions = {}) {
    this.#shared = options.shared ?? NOTHING;
    this.#end = BATCH_HEADER_BYTES + this.#shared.length;
    this.#take = options.take ?? Buffer.allocUnsafeSlow;
    this.#buffer = this.#take(Math.max(options.initialBytes ?? 4096, this.#end));
  }

  get count(): number {
    return this.#count;
  }

  /** The size of the batch as it stands, header included. */
  get bytes(): number {
    return this.#end;
  }

  /** All of what the batch is built in, as it was taken. */
  get memory(): Buffer {
    return this.#buffer;
  }

  /** Adds a record; `body` and `attributes` are copied. */
  append(body: Uint8Array, raw: boolean, attributes?: Uint8Array): void {
    const attributesBytes = attributes === undefined ? 0 : attributes.length;
    const length = 1 + attributesBytes + body.length;
    const start = this.#end;
    if (start + 4 + length > this.#buffer.length) this.#grow(start + 4 + length);
    const buffer = this.#buffer;
    buffer[start] = length >>> 24;
    buffer[start + 1] = length >>> 16;
    buffer[start + 2] = length >>> 8;
    buffer[start + 3] = length;
    buffer[start + 4] = (raw ? RECORD_RAW : 0) | (attributes === undefined ? 0 : RECORD_ATTRIBUTES);
    let offset = start + RECORD_HEADER_BYTES;
    if (attributes !== undefined) {
      buffer.set(attributes, offset);
      offset += attributesBytes;
      this.#plain = false;
    }
    buffer.set(body, offset);
    this.#end = offset + body.length;
    this.#count++;
  }

  /** The finished batch. The builder is not to be used again. */
  finish(): Buffer {
    const batch = this.#buffer.subarray(0, this.#end);
    const recordsBytes = this.#end - BATCH_HEADER_BYTES - this.#shared.length;
    const flags = this.#plain ? BATCH_PLAIN : 0;
    writeBatchHead(batch, { count: this.#count, recordsBytes, crc: 0, flags, shared: this.#shared });
    batch.writeUInt32BE(crc32(batch.subarray(BATCH_HEADER_BYTES)), 8);
    return batch;
  }

  #grow(needed: number): void {
    const larger = this.#take(Math.max(needed, this.#buffer.length * 2));
    larger.set(this.#buffer.subarray(0, this.#end));
    this.#buffer = larger;
  }
}
