import { decodeRead, Opcode } from '@simplemq/protocol';
import { encodePage } from './page.ts';
import type { RequestHandler } from './request.ts';

export const read: RequestHandler = ({ engine, limits }, requestId, payload) =>
  engine
    .read(decodeRead(payload))
    .then((page) => encodePage(requestId, Opcode.ReadReply, page, limits.maxFrameBytes));
