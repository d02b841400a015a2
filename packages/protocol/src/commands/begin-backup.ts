import { decodeEnvelope, encodeEnvelope } from '../envelope/envelope.ts';
import { encodeFrame } from '../frame/frame.ts';
import { Opcode } from '../opcodes.ts';

/**
 * BEGIN_BACKUP 0x50, client to server: everything that is confirmed by now is to be copied. Control: an empty envelope.
 *
 * BACKUP_BEGUN 0xd0, the answer:
 *
 *   { backup, bytes }
 *
 * `backup` is for READ_BACKUP and END_BACKUP, on this connection only; `bytes` is about how long the backup will be.
 */
export interface BackupBegun {
  readonly backup: number;
  readonly bytes: number;
}

export function encodeBeginBackup(requestId: number): Buffer {
  return encodeFrame(Opcode.BeginBackup, requestId, encodeEnvelope({}));
}

export function decodeBeginBackup(payload: Buffer): void {
  decodeEnvelope('BEGIN_BACKUP', payload).end();
}

export function encodeBackupBegun(requestId: number, reply: BackupBegun): Buffer {
  return encodeFrame(Opcode.BackupBegun, requestId, encodeEnvelope({ ...reply }));
}

export function decodeBackupBegun(payload: Buffer): BackupBegun {
  const fields = decodeEnvelope('BACKUP_BEGUN', payload);
  return { backup: fields.integer('backup'), bytes: fields.integer('bytes') };
}
