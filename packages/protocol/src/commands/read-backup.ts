import { decodeEnvelope, encodeEnvelope } from '../envelope/envelope.ts';
import { encodeFrame } from '../frame/frame.ts';
import { Opcode } from '../opcodes.ts';

/**
 * READ_BACKUP 0x51, client to server: the next piece of the backup. Control:
 *
 *   { backup }
 *
 * BACKUP_PIECE 0xd1, the answer:
 *
 *   { data, more }
 *
 * The pieces, one behind the other, are the backup. After the one without `more` it is whole, and over.
 */
export interface ReadBackup {
  readonly backup: number;
}

export interface BackupPiece {
  readonly data: Uint8Array;
  readonly more: boolean;
}

/** What a BACKUP_PIECE has beside its data, at the most. */
export const BACKUP_PIECE_OVERHEAD_BYTES = 64;

export function encodeReadBackup(requestId: number, request: ReadBackup): Buffer {
  return encodeFrame(Opcode.ReadBackup, requestId, encodeEnvelope({ ...request }));
}

export function decodeReadBackup(payload: Buffer): ReadBackup {
  const fields = decodeEnvelope('READ_BACKUP', payload);
  const request = { backup: fields.integer('backup') };
  fields.end();
  return request;
}

export function encodeBackupPiece(requestId: number, { data, more }: BackupPiece): Buffer {
  return encodeFrame(Opcode.BackupPiece, requestId, encodeEnvelope({ data, more }));
}

export function decodeBackupPiece(payload: Buffer): BackupPiece {
  const fields = decodeEnvelope('BACKUP_PIECE', payload);
  return { data: fields.blob('data'), more: fields.boolean('more') };
}
