import {
  decodeDeadLetters,
  decodeDeleteDeadLetters,
  decodeRedrive,
  encodeDeadLettersDeleted,
  encodeRedriven,
  Opcode,
} from '@simplemq/protocol';
import { encodePage } from './page.ts';
import type { RequestHandler } from './request.ts';

export const deadLetters: RequestHandler = ({ engine, limits }, requestId, payload) =>
  engine
    .deadLetters(decodeDeadLetters(payload))
    .then((page) => encodePage(requestId, Opcode.DeadLettersReply, page, limits.maxFrameBytes));

export const redrive: RequestHandler = ({ engine }, requestId, payload) =>
  engine.redrive(decodeRedrive(payload)).then((moved) => encodeRedriven(requestId, moved));

export const deleteDeadLetters: RequestHandler = ({ engine }, requestId, payload) =>
  engine
    .deleteDeadLetters(decodeDeleteDeadLetters(payload))
    .then((moved) => encodeDeadLettersDeleted(requestId, moved));
