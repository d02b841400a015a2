import { decodeReadReply, encodeRead, Opcode, type ReadReply, type StartFrom } from '@simplemq/protocol';
import type { Codec } from '../codec/codec.ts';
import { msgpack } from '../codec/msgpack.ts';
import { wholeNumber } from '../connection/options.ts';
import { type BodyReader, bodyReader } from '../message/body-reader.ts';
import { eachRecord, ReadMessage } from '../message/read-message.ts';
import { RecordRun } from '../message/record-run.ts';
import { type Place, wireStartFrom } from '../start-from.ts';
import type { Ask } from './ask.ts';
import { streamInfo } from './streams.ts';

export interface BrowseOptions {
  /** Default 'first'. */
  from?: Place;
  /** Default msgpack. */
  // biome-ignore lint/suspicious/noExplicitAny: a codec of any body will do
  codec?: Codec<any>;
}

export interface ReadOptions extends BrowseOptions {
  /** At most so many messages. Default 1,000. */
  limit?: number;
}

const LIMIT_DEFAULT = 1_000;
/** So many messages are asked for at once by those who want all; the broker gives as many as fit a frame. */
const PAGE_MESSAGES = 1_000;

export async function read<T>(ask: Ask, stream: string, options: ReadOptions): Promise<ReadMessage<T>[]> {
  const { from = 'first', limit = LIMIT_DEFAULT, codec = msgpack } = options;
  const wanted = wholeNumber('limit', limit, 1, Number.MAX_SAFE_INTEGER);
  const readBody = bodyReader<T>(codec);
  const messages: ReadMessage<T>[] = [];
  let startFrom = wireStartFrom(from, 'from');
  for (let more = true; more && messages.length < wanted; ) {
    const page = await readPage(ask, stream, startFrom, Math.min(PAGE_MESSAGES, wanted - messages.length));
    messages.push(...messagesOf(stream, page, readBody));
    startFrom = { sequence: page.next };
    more = page.more;
  }
  return messages;
}

/** Ends at the sequence number that was the stream's next when it began: what comes meanwhile would never end. */
export async function* browse<T>(
  ask: Ask,
  stream: string,
  options: BrowseOptions,
): AsyncGenerator<ReadMessage<T>, void, undefined> {
  const { from = 'first', codec = msgpack } = options;
  const readBody = bodyReader<T>(codec);
  let startFrom = wireStartFrom(from, 'from');
  const { nextSequence: end } = await streamInfo(ask, stream);
  for (let more = true; more; ) {
    const page = await readPage(ask, stream, startFrom, PAGE_MESSAGES);
    for (const message of messagesOf(stream, page, readBody)) if (message.sequence < end) yield message;
    startFrom = { sequence: page.next };
    more = page.more && page.next < end;
  }
}

function messagesOf<T>(stream: string, page: ReadReply, readBody: BodyReader<T>): ReadMessage<T>[] {
  const messages: ReadMessage<T>[] = [];
  for (const { first, time, batch } of page.runs) {
    const run = new RecordRun<T>({ stream, time, batch }, readBody);
    eachRecord(run, first, batch.count, (sequence, offset) => {
      messages.push(new ReadMessage<T>(run, sequence, offset));
    });
  }
  return messages;
}

function readPage(ask: Ask, stream: string, startFrom: StartFrom, limit: number): Promise<ReadReply> {
  return ask({
    opcode: Opcode.Read,
    what: `to read the stream '${stream}'`,
    encode: (id) => encodeRead(id, { stream, startFrom, limit }),
    decode: decodeReadReply,
    repeatable: true,
  });
}
