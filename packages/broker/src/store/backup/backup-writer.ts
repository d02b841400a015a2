import { crc32 } from 'node:zlib';
import {
  type BackupEnd,
  type BackupFile,
  ChunkKind,
  encodeBackupHeader,
  encodeChunkHead,
} from './backup-format.ts';

/** The bytes of a backup, one part after the other. */
export class BackupWriter {
  #number = 0;
  #files = 0;
  #bytes = 0;
  #crc = 0;

  begin(): Buffer[] {
    return [encodeBackupHeader()];
  }

  file(file: BackupFile): Buffer[] {
    this.#files++;
    return this.#chunk(ChunkKind.File, Buffer.from(JSON.stringify(file)));
  }

  data(bytes: Buffer): Buffer[] {
    this.#bytes += bytes.length;
    this.#crc = crc32(bytes, this.#crc);
    return this.#chunk(ChunkKind.Data, bytes);
  }

  end(): Buffer[] {
    const end: BackupEnd = { files: this.#files, bytes: this.#bytes, crc: this.#crc };
    return this.#chunk(ChunkKind.End, Buffer.from(JSON.stringify(end)));
  }

  #chunk(kind: ChunkKind, body: Buffer): Buffer[] {
    return [encodeChunkHead(this.#number++, kind, body), body];
  }
}
