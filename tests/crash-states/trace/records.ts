import { crc32 } from 'node:zlib';
import {
  type Attributes,
  type ConfirmedStream,
  decodeAttributes,
  type RecordBatch,
  readRecord,
  type StreamRanges,
} from '@simplemq/protocol';
import { idOf } from './body.ts';
import type { SentMessage, Told } from './known-stream.ts';

/** The messages of a batch, in order. */
export function* messagesOf(
  batch: Pick<RecordBatch, 'count' | 'records' | 'shared'>,
  pattern: string | undefined,
): Generator<SentMessage> {
  for (const { body, attributes } of recordsOf(batch)) {
    const { messageId, delayMs } = attributes;
    const id = idOf(body) ?? 'a message that nobody published';
    yield { id, crc: crc32(body), messageId, isDelayed: delayMs !== undefined, pattern };
  }
}

export function* recordsOf({
  count,
  records,
  shared,
}: Pick<RecordBatch, 'count' | 'records' | 'shared'>): Generator<{ body: Buffer; attributes: Attributes }> {
  const common = shared.length > 0 ? decodeAttributes(shared) : {};
  let offset = 0;
  for (let i = 0; i < count; i++) {
    const { attributes, body, end } = readRecord(records, offset);
    yield {
      body,
      attributes: attributes.length > 0 ? { ...common, ...decodeAttributes(attributes) } : common,
    };
    offset = end;
  }
}

/** What a confirm says of each record of its batch. */
export function toldOf({ first, duplicates = [], delayed = [] }: ConfirmedStream, count: number): Told[] {
  const marked = new Map<number, Told>();
  for (let i = 0; i < duplicates.length; i += 2) {
    marked.set(duplicates[i]!, { kind: 'duplicate', sequence: duplicates[i + 1]! });
  }
  for (let i = 0; i < delayed.length; i += 2) {
    marked.set(delayed[i]!, { kind: 'delayed', delayedId: delayed[i + 1]! });
  }
  let next = first;
  return Array.from({ length: count }, (_, index) => {
    return marked.get(index) ?? { kind: 'stored', sequence: next++ };
  });
}

export function* spelledOut(entries: readonly StreamRanges[]): Generator<[stream: string, sequence: number]> {
  for (const { stream, ranges } of entries) {
    for (const { first, last } of ranges) {
      for (let sequence = first; sequence <= last; sequence++) yield [stream, sequence];
    }
  }
}
