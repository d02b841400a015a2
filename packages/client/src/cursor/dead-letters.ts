import {
  type DeadLetterPage,
  decodeDeadLettersDeleted,
  decodeReadReply,
  decodeRedriven,
  encodeDeadLetters,
  encodeDeleteDeadLetters,
  encodeRedrive,
  type LettersMoved,
  Opcode,
  type SimpleMQError,
  type StreamSummary,
  type DeadLetterFilter as WireFilter,
} from '@simplemq/protocol';
import type { Codec } from '../codec/codec.ts';
import { msgpack } from '../codec/msgpack.ts';
import { wholeNumber } from '../connection/options.ts';
import { bodyReader } from '../message/body-reader.ts';
import { DeadLetterMessage } from '../message/dead-letter-message.ts';
import { eachRecord } from '../message/read-message.ts';
import { RecordRun } from '../message/record-run.ts';
import { wireTime } from '../start-from.ts';
import { checkDeadLetterFilter } from '../wire-options.ts';
import type { Ask } from './ask.ts';
import { streamInfo } from './streams.ts';

/** Which dead letters are meant: those to which all of it applies; without any of it all of the stream's. */
export interface DeadLetterFilter {
  /** The group in which they died. */
  group?: string;
  /** They died then or later: a Date or milliseconds since 1970 UTC. */
  since?: Date | number;
  /** They died then or before. */
  until?: Date | number;
  /** Found anywhere in the last error, in capital or small letters. */
  error?: string;
  /** Headers that the message has, with these values. */
  headers?: Readonly<Record<string, string>>;
  /** Their sequence numbers in the dead-letter stream. */
  sequences?: readonly number[];
}

export interface DeadLetterOptions extends DeadLetterFilter {
  /** At most so many messages. Default 1,000. */
  limit?: number;
  /** Default msgpack. */
  // biome-ignore lint/suspicious/noExplicitAny: a codec of any body will do
  codec?: Codec<any>;
}

/** How far a redrive or a deletion is. */
export interface LettersProgress {
  /** Dead letters that were redriven or deleted so far. */
  readonly moved: number;
  /** How many there were when it began, those included that the filter passes over. */
  readonly total: number;
}

export interface MoveLettersOptions extends DeadLetterFilter {
  /** Told after each page. */
  onProgress?: (progress: LettersProgress) => void;
  /** At most so many are moved in one commit; fewer where they are large. Default 1,000. */
  pageSize?: number;
}

const LIMIT_DEFAULT = 1_000;
const PAGE_MESSAGES = 1_000;
const DEAD_PREFIX = '$dead.';

export async function deadLetters<T>(
  ask: Ask,
  stream: string,
  options: DeadLetterOptions,
): Promise<DeadLetterMessage<T>[]> {
  const { limit = LIMIT_DEFAULT, codec = msgpack, ...filter } = options;
  const wanted = wholeNumber('limit', limit, 1, Number.MAX_SAFE_INTEGER);
  const request = { stream, ...wireFilter(filter) };
  const readBody = bodyReader<T>(codec);
  const messages: DeadLetterMessage<T>[] = [];
  let after: number | undefined;
  for (let more = true; more && messages.length < wanted; ) {
    const left = Math.min(PAGE_MESSAGES, wanted - messages.length);
    const page = await ask({
      opcode: Opcode.DeadLetters,
      what: `for the dead letters of '${stream}'`,
      encode: (id) => encodeDeadLetters(id, pageAfter(request, after, left)),
      decode: decodeReadReply,
      repeatable: true,
    });
    for (const { first, time, batch } of page.runs) {
      const run = new RecordRun<T>({ stream: DEAD_PREFIX + stream, time, batch }, readBody);
      eachRecord(run, first, batch.count, (sequence, offset) => {
        messages.push(new DeadLetterMessage<T>(run, sequence, offset));
      });
    }
    // A page may be empty and yet not the last.
    after = page.next - 1;
    more = page.more;
  }
  return messages;
}

/** Not repeatable, as deleteStream: what was moved, and how much, would not be known. */
export function redrive(ask: Ask, stream: string, options: MoveLettersOptions): Promise<number> {
  return moveLetters(ask, stream, options, (request) =>
    ask({
      opcode: Opcode.Redrive,
      what: `to redrive the dead letters of '${stream}'`,
      encode: (id) => encodeRedrive(id, request),
      decode: decodeRedriven,
      repeatable: false,
    }),
  );
}

export function deleteDeadLetters(ask: Ask, stream: string, options: MoveLettersOptions): Promise<number> {
  return moveLetters(ask, stream, options, (request) =>
    ask({
      opcode: Opcode.DeleteDeadLetters,
      what: `to delete the dead letters of '${stream}'`,
      encode: (id) => encodeDeleteDeadLetters(id, request),
      decode: decodeDeadLettersDeleted,
      repeatable: false,
    }),
  );
}

/**
 * Page by page, up to the last dead letter that was there at the beginning: what is redriven may die again meanwhile,
 * and would be redriven for ever.
 */
async function moveLetters(
  ask: Ask,
  stream: string,
  options: MoveLettersOptions,
  move: (request: DeadLetterPage) => Promise<LettersMoved>,
): Promise<number> {
  const { onProgress, pageSize = PAGE_MESSAGES, ...filter } = options;
  const limit = wholeNumber('pageSize', pageSize, 1, Number.MAX_SAFE_INTEGER);
  const request = { stream, ...wireFilter(filter) };
  const { messages: total, nextSequence: end } = await deadLetterStream(ask, stream);
  let moved = 0;
  let after: number | undefined;
  for (let more = true; more; ) {
    const page: LettersMoved = await move(pageAfter(request, after, limit));
    moved += page.messages;
    after = page.after;
    more = page.more && page.after + 1 < end;
    onProgress?.({ moved, total });
  }
  return moved;
}

/** Where nothing ever died there is no such stream; whether `stream` itself exists is for the next request to find. */
async function deadLetterStream(
  ask: Ask,
  stream: string,
): Promise<Pick<StreamSummary, 'messages' | 'nextSequence'>> {
  try {
    return await streamInfo(ask, DEAD_PREFIX + stream);
  } catch (error) {
    if ((error as SimpleMQError).code !== 'StreamNotFound') throw error;
    return { messages: 0, nextSequence: 1 };
  }
}

function pageAfter(request: DeadLetterPage, after: number | undefined, limit: number): DeadLetterPage {
  return { ...request, limit, ...(after !== undefined && { after }) };
}

function wireFilter({ since, until, ...rest }: DeadLetterFilter): { filter?: WireFilter } {
  const filter = {
    ...rest,
    ...(since !== undefined && { since: wireTime('since', since) }),
    ...(until !== undefined && { until: wireTime('until', until) }),
  };
  checkDeadLetterFilter(filter);
  return Object.keys(filter).length === 0 ? {} : { filter };
}
