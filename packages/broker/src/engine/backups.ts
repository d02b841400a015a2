import { BackupNotFound, BackupRunning, Unsupported } from '@simplemq/protocol';
import { TIMER_MS_MAX } from '../clock.ts';
import type { BackupPiece, StoreBackups } from '../store/store.ts';
import type { BackupOptions, EngineBackup } from './engine.ts';

/** What a client must take on average, past the time that it may be behind. */
const BYTES_PER_MS_MIN = 128;

/**
 * The one backup that may be under way. A client that is gone, or too slow, does not keep for ever what the backup
 * needs: it has `patienceMs`, and as long as its bytes take at the least rate.
 */
export class Backups {
  readonly #store: StoreBackups | undefined;
  #current: Backup | undefined;

  constructor(store: StoreBackups | undefined) {
    this.#store = store;
  }

  async begin(options: BackupOptions): Promise<EngineBackup> {
    if (this.#store === undefined) {
      throw new Unsupported('this broker keeps everything in memory: there is nothing on a disk to back up', {
        details: { feature: 'backup' },
      });
    }
    if (this.#current !== undefined) {
      throw new BackupRunning('another backup is under way, and there is one at a time; try again later');
    }
    const backup = new Backup(this.#store, options.patienceMs, () => {
      if (this.#current === backup) this.#current = undefined;
    });
    this.#current = backup;
    try {
      await backup.begin(options.pieceBytes);
      return backup;
    } catch (error) {
      await backup.end();
      throw error;
    }
  }

  /** The store closes, and with it what it keeps for a backup. */
  close(): void {
    this.#current?.abandon();
  }
}

class Backup implements EngineBackup {
  readonly #store: StoreBackups;
  readonly #patienceMs: number;
  readonly #onEnded: () => void;
  #bytes = 0;
  #taken = 0;
  #reading = 0;
  /** How long the client has let the broker wait, in all. */
  #waitedMs = 0;
  #waitsSince = 0;
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;
  #isLate = false;

  constructor(store: StoreBackups, patienceMs: number, onEnded: () => void) {
    this.#store = store;
    this.#patienceMs = patienceMs;
    this.#onEnded = onEnded;
  }

  get bytes(): number {
    return this.#bytes;
  }

  async begin(pieceBytes: number): Promise<void> {
    this.#bytes = await this.#store.begin(pieceBytes);
    this.#wait();
  }

  async read(): Promise<BackupPiece> {
    if (this.#isOver) throw this.#notFound();
    this.#stopWaiting();
    this.#reading++;
    try {
      const piece = await this.#store.read();
      this.#taken += piece.data.length;
      if (!piece.more) this.abandon();
      return piece;
    } catch (error) {
      await this.end();
      throw error;
    } finally {
      if (--this.#reading === 0 && !this.#isOver) this.#wait();
    }
  }

  async end(): Promise<void> {
    if (this.#isOver) return;
    this.abandon();
    await this.#store.end();
  }

  /** It is over, and the store knows. */
  abandon(): void {
    clearTimeout(this.#timer);
    this.#isOver = true;
    this.#onEnded();
  }

  #wait(): void {
    this.#waitsSince = performance.now();
    this.#arm();
  }

  #arm(): void {
    const waitedMs = this.#waitedMs + performance.now() - this.#waitsSince;
    const leftMs = this.#patienceMs + this.#taken / BYTES_PER_MS_MIN - waitedMs;
    const isLast = leftMs <= TIMER_MS_MAX;
    const delayMs = isLast ? Math.max(0, leftMs) : TIMER_MS_MAX;
    this.#timer = setTimeout(() => (isLast ? this.#late() : this.#arm()), delayMs).unref();
  }

  #stopWaiting(): void {
    if (this.#reading > 0) return;
    clearTimeout(this.#timer);
    this.#waitedMs += performance.now() - this.#waitsSince;
  }

  #late(): void {
    this.#isLate = true;
    // A store that failed has nothing to end.
    this.end().catch(() => undefined);
  }

  #notFound(): Error {
    return new BackupNotFound(
      this.#isLate
        ? 'the backup was ended, because its client took it too slowly (backupPatienceMs); begin another'
        : 'the backup is over; begin another',
    );
  }
}
