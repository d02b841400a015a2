import { decodeEnvelope, encodeEnvelope } from '../envelope/envelope.ts';
import { encodeFrame } from '../frame/frame.ts';
import { Opcode } from '../opcodes.ts';

/**
 * END_BACKUP 0x52, client to server: no more of this backup is wanted. One that is over by itself is answered alike.
 * Control:
 *
 *   { backup }
 *
 * BACKUP_ENDED 0xd2, the answer, has an empty envelope.
 */
export interface EndBackup {
  readonly backup: number;
}

export function encodeEndBackup(requestId: number, request: EndBackup): Buffer {
  return encodeFrame(Opcode.EndBackup, requestId, encodeEnvelope({ ...request }));
}

export function decodeEndBackup(payload: Buffer): EndBackup {
  const fields = decodeEnvelope('END_BACKUP', payload);
  const request = { backup: fields.integer('backup') };
  fields.end();
  return request;
}

export function encodeBackupEnded(requestId: number): Buffer {
  return encodeFrame(Opcode.BackupEnded, requestId, encodeEnvelope({}));
}
