import {
  decodeBeginBackup,
  decodeEndBackup,
  decodeReadBackup,
  encodeBackupBegun,
  encodeBackupEnded,
  encodeBackupPiece,
} from '@simplemq/protocol';
import type { RequestHandler } from './request.ts';

export const beginBackup: RequestHandler = ({ backups }, requestId, payload) => {
  decodeBeginBackup(payload);
  return backups.begin().then((begun) => encodeBackupBegun(requestId, begun));
};

export const readBackup: RequestHandler = ({ backups }, requestId, payload) =>
  backups.read(decodeReadBackup(payload).backup).then((piece) => encodeBackupPiece(requestId, piece));

export const endBackup: RequestHandler = ({ backups }, requestId, payload) =>
  backups.end(decodeEndBackup(payload).backup).then(() => encodeBackupEnded(requestId));
