import * as protocol from '@simplemq/protocol';
import { Opcode } from '@simplemq/protocol';
import fc from 'fast-check';
import { pageReply } from './carried.ts';
import { type CommandCodec, client, empty, server } from './command-codec.ts';
import * as v from './values.ts';

const stream = v.fields({ stream: v.text });

export const STREAMS: readonly CommandCodec[] = [
  client<protocol.CreateStream>(Opcode.CreateStream, {
    encode: protocol.encodeCreateStream,
    decode: protocol.decodeCreateStream,
    messages: v.fields({ stream: v.text, options: v.streamOptions }),
  }),
  server<protocol.StreamCreated>(Opcode.StreamCreated, {
    encode: protocol.encodeStreamCreated,
    decode: protocol.decodeStreamCreated,
    messages: v.fields({ created: v.flag }),
  }),
  client<protocol.DeleteStream>(Opcode.DeleteStream, {
    encode: protocol.encodeDeleteStream,
    decode: protocol.decodeDeleteStream,
    messages: stream,
  }),
  server(Opcode.StreamDeleted, empty(protocol.encodeStreamDeleted)),
  client<protocol.PurgeStream>(Opcode.PurgeStream, {
    encode: protocol.encodePurgeStream,
    decode: protocol.decodePurgeStream,
    messages: fc.oneof(
      v.fields({ stream: v.text }, { sequence: v.whole }),
      v.fields({ stream: v.text }, { time: v.whole }),
    ),
  }),
  server<protocol.StreamPurged>(Opcode.StreamPurged, {
    encode: protocol.encodeStreamPurged,
    decode: protocol.decodeStreamPurged,
    messages: v.fields({ messages: v.whole }),
  }),
  client<protocol.ListStreams>(Opcode.ListStreams, {
    encode: protocol.encodeListStreams,
    decode: protocol.decodeListStreams,
    messages: v.fields({}, { bind: v.bind, after: v.text, limit: v.whole }),
  }),
  server<protocol.StreamsListed>(Opcode.StreamsListed, {
    encode: protocol.encodeStreamsListed,
    decode: protocol.decodeStreamsListed,
    messages: v.fields({ streams: fc.array(v.summary, { maxLength: 3 }), more: v.flag }),
  }),
  client<protocol.StreamInfoRequest>(Opcode.StreamInfo, {
    encode: protocol.encodeStreamInfo,
    decode: protocol.decodeStreamInfo,
    messages: stream,
  }),
  server<protocol.StreamSummary>(Opcode.StreamInfoReply, {
    encode: protocol.encodeStreamInfoReply,
    decode: protocol.decodeStreamInfoReply,
    messages: v.summary,
  }),
  client<protocol.UpdateStream>(Opcode.UpdateStream, {
    encode: protocol.encodeUpdateStream,
    decode: protocol.decodeUpdateStream,
    messages: v.fields({ stream: v.text, options: v.streamOptions }),
  }),
  server(Opcode.StreamUpdated, empty(protocol.encodeStreamUpdated)),
  client<protocol.Read>(Opcode.Read, {
    encode: protocol.encodeRead,
    decode: protocol.decodeRead,
    messages: v.fields({ stream: v.text }, { startFrom: v.startFrom, limit: v.whole }),
  }),
  pageReply(Opcode.ReadReply),
];
