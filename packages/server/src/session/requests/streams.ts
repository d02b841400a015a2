import {
  decodeCreateStream,
  decodeDeleteStream,
  decodeListStreams,
  decodePurgeStream,
  decodeStreamInfo,
  decodeUpdateStream,
  encodeStreamCreated,
  encodeStreamDeleted,
  encodeStreamInfoReply,
  encodeStreamPurged,
  encodeStreamsListed,
  encodeStreamUpdated,
} from '@simplemq/protocol';
import type { RequestHandler } from './request.ts';

export const createStream: RequestHandler = ({ engine }, requestId, payload) => {
  const { stream, options } = decodeCreateStream(payload);
  return engine.createStream(stream, options).then((created) => encodeStreamCreated(requestId, { created }));
};

export const updateStream: RequestHandler = ({ engine }, requestId, payload) => {
  const { stream, options } = decodeUpdateStream(payload);
  return engine.updateStream(stream, options).then(() => encodeStreamUpdated(requestId));
};

export const deleteStream: RequestHandler = ({ engine }, requestId, payload) => {
  const { stream } = decodeDeleteStream(payload);
  return engine.deleteStream(stream).then(() => encodeStreamDeleted(requestId));
};

export const purgeStream: RequestHandler = ({ engine }, requestId, payload) =>
  engine
    .purgeStream(decodePurgeStream(payload))
    .then((messages) => encodeStreamPurged(requestId, { messages }));

export const listStreams: RequestHandler = ({ engine }, requestId, payload) =>
  engine.listStreams(decodeListStreams(payload)).then((reply) => encodeStreamsListed(requestId, reply));

export const streamInfo: RequestHandler = ({ engine }, requestId, payload) => {
  const { stream } = decodeStreamInfo(payload);
  return engine.streamInfo(stream).then((summary) => encodeStreamInfoReply(requestId, summary));
};
