import { decodeEnvelope, encodeEnvelope } from '../envelope/envelope.ts';
import { fieldsOf } from '../envelope/fields.ts';
import { encodeFrame } from '../frame/frame.ts';
import { Opcode } from '../opcodes.ts';
import { readOptionalBind, type WireBind } from './bind.ts';
import { readStreamSummary, type StreamSummary } from './stream-summary.ts';

/**
 * LIST_STREAMS 0x13, client to server: the streams that the bind matches, by name, a page at a time. Control:
 *
 *   { stream? | pattern?, after?, limit? }
 *
 * Without a bind all but the broker's own are listed. `after` is the last name of the page before.
 */
export interface ListStreams {
  readonly bind?: WireBind;
  readonly after?: string;
  readonly limit?: number;
}

/** STREAMS_LISTED 0x93, the answer: `{ streams: [summary, …], more }`; `more` says that another page follows. */
export interface StreamsListed {
  readonly streams: readonly StreamSummary[];
  readonly more: boolean;
}

export function encodeListStreams(requestId: number, request: ListStreams): Buffer {
  const { bind, after, limit } = request;
  return encodeFrame(Opcode.ListStreams, requestId, encodeEnvelope({ ...bind, after, limit }));
}

export function decodeListStreams(payload: Buffer): ListStreams {
  const fields = decodeEnvelope('LIST_STREAMS', payload);
  const bind = readOptionalBind('LIST_STREAMS', fields);
  const after = fields.optionalString('after');
  const limit = fields.optionalInteger('limit');
  fields.end();
  return {
    ...(bind && { bind }),
    ...(after !== undefined && { after }),
    ...(limit !== undefined && { limit }),
  };
}

export function encodeStreamsListed(requestId: number, reply: StreamsListed): Buffer {
  return encodeFrame(Opcode.StreamsListed, requestId, encodeEnvelope({ ...reply }));
}

export function decodeStreamsListed(payload: Buffer): StreamsListed {
  const fields = decodeEnvelope('STREAMS_LISTED', payload);
  return {
    streams: fields.array('streams').map((stream) => readStreamSummary(fieldsOf('a stream', stream))),
    more: fields.optionalBoolean('more') ?? false,
  };
}
