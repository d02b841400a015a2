import {
  decodeCancelDelayed,
  decodeListDelayed,
  encodeDelayedCancelled,
  encodeDelayedListed,
} from '@simplemq/protocol';
import type { RequestHandler } from './request.ts';

export const listDelayed: RequestHandler = ({ engine }, requestId, payload) =>
  engine.listDelayed(decodeListDelayed(payload)).then((reply) => encodeDelayedListed(requestId, reply));

export const cancelDelayed: RequestHandler = ({ engine }, requestId, payload) =>
  engine
    .cancelDelayed(decodeCancelDelayed(payload))
    .then((messages) => encodeDelayedCancelled(requestId, { messages }));
