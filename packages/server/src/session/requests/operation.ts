import { decodeHealth, decodeReload, encodeHealthReply, encodeReloaded, Forbidden } from '@simplemq/protocol';
import type { RequestHandler } from './request.ts';

export const health: RequestHandler = async ({ operation }, requestId, payload) => {
  decodeHealth(payload);
  return encodeHealthReply(requestId, operation.health());
};

export const reload: RequestHandler = async ({ operation, isLocal }, requestId, payload) => {
  decodeReload(payload);
  if (!isLocal) {
    throw new Forbidden(
      'settings are reloaded only at the wish of a client on the machine of the server; run this command there',
    );
  }
  return encodeReloaded(requestId, await operation.reload());
};
