import * as protocol from '@simplemq/protocol';
import { Opcode } from '@simplemq/protocol';
import fc from 'fast-check';
import { type CommandCodec, client, empty, server } from './command-codec.ts';
import * as v from './values.ts';

/** A request without fields. */
function question(
  encode: (requestId: number) => Buffer,
  decode: (payload: Buffer) => void,
): ReturnType<typeof empty> {
  return {
    ...empty(encode),
    decode: (payload) => {
      decode(payload);
      return {};
    },
  };
}

export const BACKUPS: readonly CommandCodec[] = [
  client(Opcode.BeginBackup, question(protocol.encodeBeginBackup, protocol.decodeBeginBackup)),
  server<protocol.BackupBegun>(Opcode.BackupBegun, {
    encode: protocol.encodeBackupBegun,
    decode: protocol.decodeBackupBegun,
    messages: v.fields({ backup: v.whole, bytes: v.whole }),
  }),
  client<protocol.ReadBackup>(Opcode.ReadBackup, {
    encode: protocol.encodeReadBackup,
    decode: protocol.decodeReadBackup,
    messages: v.fields({ backup: v.whole }),
  }),
  server<protocol.BackupPiece>(Opcode.BackupPiece, {
    encode: protocol.encodeBackupPiece,
    decode: protocol.decodeBackupPiece,
    messages: v.fields<protocol.BackupPiece>({
      data: fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)),
      more: v.flag,
    }),
  }),
  client<protocol.EndBackup>(Opcode.EndBackup, {
    encode: protocol.encodeEndBackup,
    decode: protocol.decodeEndBackup,
    messages: v.fields({ backup: v.whole }),
  }),
  server(Opcode.BackupEnded, empty(protocol.encodeBackupEnded)),
];

export const OPERATION: readonly CommandCodec[] = [
  client(Opcode.Health, question(protocol.encodeHealth, protocol.decodeHealth)),
  server<protocol.Health>(Opcode.HealthReply, {
    encode: protocol.encodeHealthReply,
    decode: protocol.decodeHealthReply,
    messages: v.fields<protocol.Health>(
      { server: v.text, upSince: v.whole, state: v.text },
      { reason: v.text },
    ),
  }),
  client(Opcode.Reload, question(protocol.encodeReload, protocol.decodeReload)),
  server<protocol.Reloaded>(Opcode.Reloaded, {
    encode: protocol.encodeReloaded,
    decode: protocol.decodeReloaded,
    messages: v.fields({ changed: v.strings, needRestart: v.strings }),
  }),
];
