import type { BackupPiece, Engine, EngineBackup } from '@simplemq/broker';
import { BACKUP_PIECE_OVERHEAD_BYTES, BackupNotFound, FRAME_HEADER_BYTES } from '@simplemq/protocol';
import type { Settings } from '../settings/settings.ts';

const PIECE_BYTES_MAX = 256 * 1024;
/** What a piece has beside its data: heads of chunks, and a file's name. */
const PIECE_EXTRA_BYTES = 1024;

/** The backups that one connection has under way. They end with it. */
export class SessionBackups {
  readonly #engine: Engine;
  readonly #settings: Settings;
  readonly #frameBytesMax: number;
  readonly #backups = new Map<number, EngineBackup>();
  #nextId = 1;
  #isClosed = false;

  constructor(engine: Engine, settings: Settings) {
    this.#engine = engine;
    this.#settings = settings;
    // As the client was told when its connection opened.
    this.#frameBytesMax = settings.limits.maxFrameBytes;
  }

  async begin(): Promise<{ readonly backup: number; readonly bytes: number }> {
    const room = this.#frameBytesMax - FRAME_HEADER_BYTES - BACKUP_PIECE_OVERHEAD_BYTES - PIECE_EXTRA_BYTES;
    const backup = await this.#engine.beginBackup({
      pieceBytes: Math.min(PIECE_BYTES_MAX, room),
      patienceMs: this.#settings.backupPatienceMs,
    });
    if (this.#isClosed) await backup.end();
    const id = this.#nextId++;
    this.#backups.set(id, backup);
    return { backup: id, bytes: backup.bytes };
  }

  async read(id: number): Promise<BackupPiece> {
    const backup = this.#backups.get(id);
    if (backup === undefined) throw new BackupNotFound(`this connection has no backup ${id}`);
    const piece = await backup.read();
    if (!piece.more) this.#backups.delete(id);
    return piece;
  }

  async end(id: number): Promise<void> {
    const backup = this.#backups.get(id);
    this.#backups.delete(id);
    await backup?.end();
  }

  /** The connection is gone. */
  close(): void {
    this.#isClosed = true;
    // An engine that failed has told so elsewhere.
    for (const backup of this.#backups.values()) backup.end().catch(() => undefined);
    this.#backups.clear();
  }
}
