import {
  decodeStreamCreated,
  decodeStreamInfoReply,
  decodeStreamPurged,
  decodeStreamsListed,
  encodeCreateStream,
  encodeDeleteStream,
  encodeListStreams,
  encodePurgeStream,
  encodeStreamInfo,
  encodeUpdateStream,
  Opcode,
  type StreamOptions,
  type StreamSummary,
} from '@simplemq/protocol';
import type { Bind } from '../bind.ts';
import { invalid, wholeNumber } from '../connection/options.ts';
import { wireTime } from '../start-from.ts';
import { checkStreamOptions } from '../wire-options.ts';
import { type Ask, nothing } from './ask.ts';

/** What a purge removes; without either all that the stream holds. */
export interface PurgeOptions {
  /** Messages before this sequence number. */
  sequence?: number;
  /** Messages that the broker took in before then, a Date or milliseconds since 1970 UTC; not together with sequence. */
  time?: Date | number;
}

export async function createStream(ask: Ask, stream: string, options: StreamOptions): Promise<boolean> {
  checkStreamOptions(options);
  const reply = await ask({
    opcode: Opcode.CreateStream,
    what: `to create the stream '${stream}'`,
    encode: (id) => encodeCreateStream(id, { stream, options }),
    decode: decodeStreamCreated,
    repeatable: true,
  });
  return reply.created;
}

export async function updateStream(ask: Ask, stream: string, options: StreamOptions): Promise<void> {
  checkStreamOptions(options);
  await ask({
    opcode: Opcode.UpdateStream,
    what: `to update the stream '${stream}'`,
    encode: (id) => encodeUpdateStream(id, { stream, options }),
    decode: nothing,
    repeatable: true,
  });
}

export function deleteStream(ask: Ask, stream: string): Promise<void> {
  return ask({
    opcode: Opcode.DeleteStream,
    what: `to delete the stream '${stream}'`,
    encode: (id) => encodeDeleteStream(id, { stream }),
    decode: nothing,
    repeatable: false,
  });
}

export async function purgeStream(ask: Ask, stream: string, options: PurgeOptions): Promise<number> {
  const { sequence, time } = options;
  if (sequence !== undefined && time !== undefined) {
    throw invalid('time', 'it cannot be given together with sequence');
  }
  const request = {
    stream,
    ...(sequence !== undefined && {
      sequence: wholeNumber('sequence', sequence, 0, Number.MAX_SAFE_INTEGER),
    }),
    ...(time !== undefined && { time: wireTime('time', time) }),
  };
  const reply = await ask({
    opcode: Opcode.PurgeStream,
    what: `to purge the stream '${stream}'`,
    encode: (id) => encodePurgeStream(id, request),
    decode: decodeStreamPurged,
    repeatable: true,
  });
  return reply.messages;
}

export async function listStreams(ask: Ask, bind: Bind | undefined): Promise<StreamSummary[]> {
  const streams: StreamSummary[] = [];
  for (let more = true; more; ) {
    const after = streams.at(-1)?.name;
    const request = { ...(bind && { bind: bind.wire }), ...(after !== undefined && { after }) };
    const page = await ask({
      opcode: Opcode.ListStreams,
      what: 'to list the streams',
      encode: (id) => encodeListStreams(id, request),
      decode: decodeStreamsListed,
      repeatable: true,
    });
    streams.push(...page.streams);
    more = page.more && page.streams.length > 0;
  }
  return streams;
}

export function streamInfo(ask: Ask, stream: string): Promise<StreamSummary> {
  return ask({
    opcode: Opcode.StreamInfo,
    what: `for the stream '${stream}'`,
    encode: (id) => encodeStreamInfo(id, { stream }),
    decode: decodeStreamInfoReply,
    repeatable: true,
  });
}
