import { type FileHandle, open } from 'node:fs/promises';
import {
  BACKUP_HEADER_BYTES,
  BACKUP_VERSION,
  type BackupEnd,
  type BackupFile,
  CHUNK_HEAD_BYTES,
  ChunkKind,
  chunkCrcOf,
  decodeBackupHeader,
  decodeChunkHead,
} from './backup-format.ts';
import { RestoreError } from './restore-error.ts';

/** No chunk is longer; the length is looked at before its body is read. */
const CHUNK_BYTES_MAX = 64 * 1024 * 1024;
/** The names that a backup may give to files: those of a data folder, and no paths. */
const NAME = /^simplemq\.(db|journal-\d+)$/;

export interface Chunk {
  readonly kind: ChunkKind;
  /** Good until the next chunk is read. */
  readonly body: Buffer;
}

/** Reads a backup from its beginning to its end, and tells where it is cut or damaged. */
export class BackupReader {
  readonly total: number;
  readonly #file: string;
  readonly #handle: FileHandle;
  #read = 0;

  private constructor(file: string, handle: FileHandle, total: number) {
    this.#file = file;
    this.#handle = handle;
    this.total = total;
  }

  static async open(file: string): Promise<BackupReader> {
    try {
      const handle = await open(file, 'r');
      return new BackupReader(file, handle, (await handle.stat()).size);
    } catch (cause) {
      throw new RestoreError(`the backup '${file}' cannot be read: ${(cause as Error).message}`, { cause });
    }
  }

  /** How many bytes were read. */
  get read(): number {
    return this.#read;
  }

  /** Every chunk, each found right; the last is an END. */
  async *chunks(): AsyncGenerator<Chunk> {
    await this.#header();
    let buffer = Buffer.alloc(0);
    for (let number = 0; ; number++) {
      const start = this.#read;
      const head = await this.#take(Buffer.alloc(CHUNK_HEAD_BYTES));
      const { number: found, kind, length, crc } = decodeChunkHead(head);
      if (found !== number || !isKind(kind) || length > CHUNK_BYTES_MAX) throw this.#damagedAt(start);
      if (buffer.length < length) buffer = Buffer.allocUnsafe(length);
      const body = await this.#take(buffer.subarray(0, length));
      if (chunkCrcOf(head, body) !== crc) throw this.#damagedAt(start);
      yield { kind, body };
      if (kind === ChunkKind.End) break;
    }
    if (this.#read !== this.total) throw this.damaged(`it goes on after its end, at byte ${this.#read}`);
  }

  fileOf(body: Buffer): BackupFile {
    const { name, bytes } = this.#json<BackupFile>(body);
    if (typeof name === 'string' && NAME.test(name) && Number.isSafeInteger(bytes)) return { name, bytes };
    throw this.damaged('it names a file that no data folder has');
  }

  endOf(body: Buffer): BackupEnd {
    return this.#json<BackupEnd>(body);
  }

  damaged(how: string): RestoreError {
    return new RestoreError(`the backup '${this.#file}' is damaged: ${how}; nothing was restored`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }

  async #header(): Promise<void> {
    const isShort = this.total < BACKUP_HEADER_BYTES;
    const version = isShort
      ? undefined
      : decodeBackupHeader(await this.#take(Buffer.alloc(BACKUP_HEADER_BYTES)));
    if (version === undefined) throw new RestoreError(`'${this.#file}' is not a backup of SimpleMQ`);
    if (version > BACKUP_VERSION) {
      throw new RestoreError(
        `the backup '${this.#file}' has version ${version}, and this SimpleMQ knows versions up to ` +
          `${BACKUP_VERSION}: use the SimpleMQ that wrote it, or a newer one`,
      );
    }
  }

  /** Fills the buffer. */
  async #take(buffer: Buffer): Promise<Buffer> {
    for (let filled = 0; filled < buffer.length; ) {
      const { bytesRead } = await this.#handle.read(buffer, filled, buffer.length - filled);
      if (bytesRead === 0) {
        const end = this.#read + filled;
        throw new RestoreError(
          `the backup '${this.#file}' is cut: it ends at byte ${end}, before its end; nothing was restored`,
        );
      }
      filled += bytesRead;
    }
    this.#read += buffer.length;
    return buffer;
  }

  #damagedAt(start: number): RestoreError {
    return this.damaged(`the part at byte ${start} does not match its checksum`);
  }

  #json<T>(body: Buffer): Partial<T> & T {
    try {
      return JSON.parse(body.toString('utf8')) as T;
    } catch {
      throw this.damaged('what it tells of its files cannot be read');
    }
  }
}

function isKind(kind: number): kind is ChunkKind {
  return Object.values(ChunkKind).some((known) => known === kind);
}
