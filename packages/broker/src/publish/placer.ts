import { type RecordBatch, StreamFull, skipRecords } from '@simplemq/protocol';
import type { Transaction } from '../commit/transaction.ts';
import type { Dedup } from '../dedup/dedup.ts';
import { HASH_WORDS, isNone } from '../dedup/id-hash.ts';
import type { Delays } from '../delay/delays.ts';
import type { PlacedBatch } from '../engine/engine.ts';
import type { Stream } from '../stream/stream.ts';
import type { BatchPart } from './batch-parts.ts';

/** What all records of a batch would share if each were a piece of its own: with less the pieces are not counted. */
const CUT_BYTES_MIN: number = 1024 * 1024;

/**
 * Gives published batches their places on streams: at once or later, and not at all where their message ids are known.
 *
 * Invariant: the records that enter a stream at once get neighbouring sequence numbers, in their order.
 */
export class Placer {
  readonly #dedup: Dedup;
  readonly #delays: Delays;

  constructor(dedup: Dedup, delays: Delays) {
    this.#dedup = dedup;
    this.#delays = delays;
  }

  /** @throws StreamFull when the stream rejects what it has no room for */
  checkRoom(stream: Stream, parts: readonly BatchPart[]): void {
    const { maxMessages, maxBytes, overflow } = stream.settings;
    if (overflow !== 'reject' || (maxMessages === 0 && maxBytes === 0)) return;
    const held = stream.messages + stream.reservedMessages + stream.delayedMessages;
    const heldBytes = stream.bytes + stream.reservedBytes + stream.delayedBytes;
    const isOver = (messages: number, bytes: number): boolean =>
      (maxMessages > 0 && held + messages > maxMessages) || (maxBytes > 0 && heldBytes + bytes > maxBytes);
    const all = sizeOf(parts);
    // Duplicates need no room; to know them costs something, so it is asked only when it matters.
    if (!isOver(all.messages, all.bytes)) return;
    const messages = all.messages - this.#countDuplicates(stream, parts);
    if (messages === 0 || !isOver(messages, all.bytes * (messages / all.messages))) return;
    const isByMessages = maxMessages > 0 && held + messages > maxMessages;
    const limit = isByMessages ? `maxMessages ${maxMessages}` : `maxBytes ${maxBytes}`;
    throw new StreamFull(
      `the stream '${stream.name}' is at its limit of ${limit} and rejects what is over it; let followers ack, ` +
        "purge it, raise the limit with updateStream, or create it with overflow 'drop-oldest'",
      { details: { stream: stream.name, limit: isByMessages ? 'maxMessages' : 'maxBytes' } },
    );
  }

  /** Bytes that the parts bring to the disk, at the most. */
  bytesOf(stream: Stream, parts: readonly BatchPart[]): number {
    if (!stream.isDurable) return 0;
    let bytes = 0;
    let cutBytes = 0;
    for (const { batch, messageIds } of parts) {
      bytes += batch.records.length + batch.shared.length;
      if (messageIds !== undefined) cutBytes += batch.shared.length * batch.count;
    }
    if (cutBytes < CUT_BYTES_MIN || stream.settings.dedupWindowMs === 0) return bytes;
    for (const part of parts) bytes += part.batch.shared.length * this.#cutsOf(stream, part);
    return bytes;
  }

  place(transaction: Transaction, stream: Stream, parts: readonly BatchPart[]): PlacedBatch {
    const placing = new Placing(transaction, stream, this.#delays);
    for (const part of parts) {
      if (part.messageIds === undefined || stream.settings.dedupWindowMs === 0)
        placing.run(part, part.index, part.batch);
      else this.#placeUnknown(placing, part, part.messageIds);
    }
    return placing.placed();
  }

  /** Places the runs between records whose ids are known. */
  #placeUnknown(placing: Placing, part: BatchPart, hashes: Uint32Array): void {
    const { stream, transaction } = placing;
    const { batch } = part;
    // As it is stored: what is begun with it is not to be older than that.
    const now = Math.floor(this.#delays.now());
    let offset = 0;
    let start = 0;
    let startOffset = 0;
    const ids = this.#dedup.of(stream, now);
    ids.preload(hashes);
    transaction.dedupStreams.set(stream, ids);
    const close = (index: number): void => {
      if (index === start) return;
      const isWhole = start === 0 && index === batch.count;
      const records = batch.records.subarray(startOffset, offset);
      placing.run(part, part.index + start, isWhole ? batch : { ...batch, count: index - start, records });
    };
    for (let index = 0; index < batch.count; index++) {
      const at = index * HASH_WORDS;
      const ahead = index - start;
      const number = part.delay === undefined ? stream.nextSequence + ahead : -(this.#delays.nextId + ahead);
      const known = isNone(hashes, at) ? undefined : this.#dedup.claim(ids, hashes, at, number, now);
      const end = skipRecords(batch.records, offset, 1);
      if (known !== undefined) {
        close(index);
        placing.duplicate(part.index + index, known);
        start = index + 1;
        startOffset = end;
      }
      offset = end;
    }
    close(batch.count);
  }

  /** Where a part may be cut, as records are left out between others: each piece has the attributes that all share. */
  #cutsOf(stream: Stream, { batch: { count }, messageIds }: BatchPart): number {
    if (messageIds === undefined) return 0;
    const ids = this.#dedup.of(stream, Math.floor(this.#delays.now()));
    const seen = new Set<string>();
    let duplicates = 0;
    for (let at = 0; at < messageIds.length; at += HASH_WORDS) {
      if (isNone(messageIds, at)) continue;
      const id = messageIds.subarray(at, at + HASH_WORDS).join();
      if (seen.has(id) || ids.find(messageIds, at) !== undefined) duplicates++;
      seen.add(id);
    }
    return Math.max(0, Math.min(duplicates, count - duplicates - 1));
  }

  #countDuplicates(stream: Stream, parts: readonly BatchPart[]): number {
    const ids = this.#dedup.of(stream, Math.floor(this.#delays.now()));
    let duplicates = 0;
    for (const { messageIds } of parts) {
      if (messageIds === undefined) continue;
      for (let at = 0; at < messageIds.length; at += HASH_WORDS) {
        if (!isNone(messageIds, at) && ids.find(messageIds, at) !== undefined) duplicates++;
      }
    }
    return duplicates;
  }
}

/** What becomes of one published batch on one stream. */
class Placing {
  readonly transaction: Transaction;
  readonly stream: Stream;
  readonly #delays: Delays;
  readonly #time: number;
  /** By the clock of delays. */
  readonly now: number;
  #first = 0;
  #duplicates: number[] | undefined;
  #delayed: number[] | undefined;

  constructor(transaction: Transaction, stream: Stream, delays: Delays) {
    this.transaction = transaction;
    this.stream = stream;
    this.#delays = delays;
    this.#time = stream.takeTime();
    this.now = delays.now();
  }

  /** Neighbouring records of a part, the first of which has this index in the published batch. */
  run({ lane, delay }: BatchPart, index: number, batch: RecordBatch): void {
    if (delay === undefined) {
      const first = this.transaction.append(this.stream, this.stream.lane(lane), batch, this.#time);
      if (this.#first === 0) this.#first = first;
      return;
    }
    const id = this.#delays.add(this, lane, batch, delay);
    this.#delayed ??= [];
    for (let i = 0; i < batch.count; i++) this.#delayed.push(index + i, id + i);
  }

  /** A record whose id is known with `number`. */
  duplicate(index: number, number: number): void {
    this.#duplicates ??= [];
    this.#duplicates.push(index, Math.max(0, number));
    if (number > 0) return;
    this.#delayed ??= [];
    this.#delayed.push(index, -number);
  }

  placed(): PlacedBatch {
    const duplicates = this.#duplicates;
    const delayed = this.#delayed;
    return {
      stream: this.stream.name,
      first: this.#first,
      ...(duplicates && { duplicates }),
      ...(delayed && { delayed }),
    };
  }
}

function sizeOf(parts: readonly BatchPart[]): { messages: number; bytes: number } {
  let messages = 0;
  let bytes = 0;
  for (const { batch } of parts) {
    messages += batch.count;
    bytes += batch.records.length + batch.shared.length;
  }
  return { messages, bytes };
}
