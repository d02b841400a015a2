import {
  type BackupPiece,
  decodeBackupBegun,
  decodeBackupPiece,
  encodeBeginBackup,
  encodeEndBackup,
  encodeReadBackup,
  Opcode,
} from '@simplemq/protocol';
import { type Ask, nothing } from './ask.ts';

/**
 * A copy of all that the broker had confirmed when it began, piece by piece; the pieces, one behind the other, are what
 * `simplemq restore` reads. It is whole when the iteration ends without an error, and given up when that is left.
 */
export interface Backup extends AsyncIterable<Uint8Array> {
  /** About how many bytes it has. */
  readonly bytes: number;
}

export async function beginBackup(ask: Ask): Promise<Backup> {
  const { backup, bytes } = await ask({
    opcode: Opcode.BeginBackup,
    what: 'to begin a backup',
    encode: encodeBeginBackup,
    decode: decodeBackupBegun,
    repeatable: false,
  });
  return { bytes, [Symbol.asyncIterator]: () => pieces(ask, backup) };
}

/** The next piece is asked for before this one is handed out, so that the broker reads while its owner writes. */
async function* pieces(ask: Ask, backup: number): AsyncGenerator<Uint8Array, void> {
  let isOver = false;
  let next = readPiece(ask, backup);
  try {
    while (!isOver) {
      const { data, more } = await next;
      isOver = !more;
      if (more) {
        next = readPiece(ask, backup);
        // It is awaited in the next round; if there is none, nobody wants to know.
        next.catch(() => undefined);
      }
      yield data;
    }
  } finally {
    if (!isOver) await endBackup(ask, backup);
  }
}

function readPiece(ask: Ask, backup: number): Promise<BackupPiece> {
  return ask({
    opcode: Opcode.ReadBackup,
    what: 'to read the next piece of a backup',
    encode: (id) => encodeReadBackup(id, { backup }),
    decode: decodeBackupPiece,
    repeatable: false,
  });
}

/** The broker ends by itself what it is not told of. */
async function endBackup(ask: Ask, backup: number): Promise<void> {
  await ask({
    opcode: Opcode.EndBackup,
    what: 'to end a backup',
    encode: (id) => encodeEndBackup(id, { backup }),
    decode: nothing,
    repeatable: false,
  }).catch(() => undefined);
}
