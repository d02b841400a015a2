import {
  BATCH_PLAIN,
  RECORD_ATTRIBUTES,
  RECORD_HEADER_BYTES,
  type RecordBatch,
  type ScannedAttributes,
  type ScannedText,
  scanAttributes,
  scanLeadingAttributes,
  skipRecords,
} from '@simplemq/protocol';
import { HASH_WORDS, hashId } from '../dedup/id-hash.ts';
import { laneOf } from '../stream/lane.ts';

/** Neighbouring records of a published batch that are stored alike: in one lane, now or at one later time. */
export interface BatchPart {
  /** The index in the published batch of its first record. */
  readonly index: number;
  readonly batch: RecordBatch;
  readonly lane: number;
  /** When they enter the stream; absent for at once. */
  readonly delay?: Delay;
  /** The hashed message id of each, and zeros for those without; absent when none has one. */
  readonly messageIds?: Uint32Array;
}

/** A time of day (`deliverAt`), or a delay from now on (`delayMs`). */
export type Delay = { readonly at: number } | { readonly afterMs: number };

/** Splits a batch where its records' attributes want it; one without such attributes is one part, as it is. */
export function partsOf(batch: RecordBatch): readonly BatchPart[] {
  const { flags, shared, count } = batch;
  const isPlain = (flags & BATCH_PLAIN) !== 0;
  if (isPlain && shared.length === 0) return [{ index: 0, batch, lane: 0 }];
  const common = shared.length > 0 ? scanAttributes(shared) : undefined;
  if (isPlain) {
    const ids = new PartIds(count);
    const { messageId } = common!;
    if (messageId !== undefined) for (let index = 0; index < count; index++) ids.set(index, messageId);
    return [partOf(batch, 0, common, undefined, ids.take(count))];
  }
  return splitRecords(batch, common);
}

function splitRecords(batch: RecordBatch, common: ScannedAttributes | undefined): BatchPart[] {
  const { records, count } = batch;
  const parts: BatchPart[] = [];
  let start = 0;
  let startOffset = 0;
  let head: ScannedAttributes | undefined;
  const ids = new PartIds(count);
  const close = (index: number, offset: number): void => {
    const isWhole = start === 0 && index === count;
    const part = isWhole
      ? batch
      : { ...batch, count: index - start, records: records.subarray(startOffset, offset) };
    parts.push(partOf(part, start, common, head, ids.take(index)));
    start = index;
    startOffset = offset;
  };
  let offset = 0;
  for (let index = 0; index < count; index++) {
    const end = skipRecords(records, offset, 1);
    const hasOwn = (records[offset + 4]! & RECORD_ATTRIBUTES) !== 0;
    const own = hasOwn ? scanLeadingAttributes(records, offset + RECORD_HEADER_BYTES, end) : undefined;
    if (index === start) head = own;
    else if (!isAlike(own, head)) {
      close(index, offset);
      head = own;
    }
    ids.set(index, own?.messageId ?? common?.messageId);
    offset = end;
  }
  close(count, offset);
  return parts;
}

/** The hashed ids of a batch's records, taken part by part. */
class PartIds {
  readonly #count: number;
  #hashes: Uint32Array | undefined;
  #start = 0;
  #isAny = false;

  constructor(count: number) {
    this.#count = count;
  }

  set(index: number, id: ScannedText | undefined): void {
    if (id === undefined) return;
    this.#isAny = true;
    this.#hashes ??= new Uint32Array(this.#count * HASH_WORDS);
    hashId(id, this.#hashes, index * HASH_WORDS);
  }

  /** Those from where the last part ended up to `index`; undefined when none of them has an id. */
  take(index: number): Uint32Array | undefined {
    const taken = this.#hashes?.subarray(this.#start * HASH_WORDS, index * HASH_WORDS);
    const isAny = this.#isAny;
    this.#start = index;
    this.#isAny = false;
    return isAny ? taken : undefined;
  }
}

function isAlike(a: ScannedAttributes | undefined, b: ScannedAttributes | undefined): boolean {
  return a?.priority === b?.priority && a?.deliverAt === b?.deliverAt && a?.delayMs === b?.delayMs;
}

function partOf(
  batch: RecordBatch,
  index: number,
  common: ScannedAttributes | undefined,
  own: ScannedAttributes | undefined,
  messageIds: Uint32Array | undefined,
): BatchPart {
  const lane = laneOf(own?.priority ?? common?.priority);
  const at = own?.deliverAt ?? common?.deliverAt;
  const afterMs = own?.delayMs ?? common?.delayMs;
  const delay = delayOf(at, afterMs);
  return { index, batch, lane, ...(delay && { delay }), ...(messageIds && { messageIds }) };
}

function delayOf(at: number | undefined, afterMs: number | undefined): Delay | undefined {
  if (afterMs !== undefined) return afterMs > 0 ? { afterMs } : undefined;
  return at !== undefined && at > Date.now() ? { at } : undefined;
}
