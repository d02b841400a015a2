import { type FileHandle, mkdir, open, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { crc32 } from 'node:zlib';
import { FILE_MODE, FOLDER_MODE } from '../file-modes.ts';
import { ChunkKind } from './backup-format.ts';
import { BackupReader } from './backup-reader.ts';
import { RestoreError } from './restore-error.ts';
import { UNFINISHED_RESTORE } from './unfinished-restore.ts';

export interface RestoreOptions {
  /** The backup. */
  readonly file: string;
  /** The data folder that is made of it, which must be empty or not there; without one the backup is only checked. */
  readonly folder?: string | undefined;
  /** Called now and then with how many bytes of the backup were read, and how many it has. */
  readonly onProgress?: ((read: number, total: number) => void) | undefined;
}

export interface Restored {
  readonly files: number;
  readonly bytes: number;
}

const DATABASE = 'simplemq.db';

/**
 * Makes a data folder of a backup, or leaves things as they were: the files get their names when the last byte of the
 * backup was read and found right, and all are on the disk.
 *
 * @throws RestoreError on a backup that is cut or damaged, and on a folder that is not empty
 */
export async function restoreBackup({ file, folder, onProgress }: RestoreOptions): Promise<Restored> {
  await using reader = await BackupReader.open(file);
  if (folder === undefined) return await readAll(reader, undefined, onProgress);
  const isNew = await makeEmpty(folder);
  const unfinished = join(folder, UNFINISHED_RESTORE);
  try {
    await mkdir(unfinished, { mode: FOLDER_MODE });
    const names: string[] = [];
    const restored = await readAll(reader, { folder: unfinished, names }, onProgress);
    if (!names.includes(DATABASE)) throw new RestoreError(`the backup '${file}' has no database in it`);
    // The database first: with it and without the journal no broker starts, which the other way round one would.
    names.sort((a, b) => Number(b === DATABASE) - Number(a === DATABASE));
    for (const name of names) await rename(join(unfinished, name), join(folder, name));
    await rmdir(unfinished);
    await syncFolder(folder);
    return restored;
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    if (isNew) await rmdir(folder).catch(() => undefined);
    if (error instanceof RestoreError) throw error;
    throw new RestoreError(`the backup '${file}' cannot be restored: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

interface Target {
  readonly folder: string;
  readonly names: string[];
}

async function readAll(
  reader: BackupReader,
  target: Target | undefined,
  onProgress: RestoreOptions['onProgress'],
): Promise<Restored> {
  let files = 0;
  let bytes = 0;
  let crc = 0;
  let current: { readonly bytes: number; at: number; handle?: FileHandle | undefined } | undefined;
  const finish = async (): Promise<void> => {
    if (current === undefined) return;
    if (current.at !== current.bytes) throw reader.damaged('a file in it is not as long as it should be');
    await current.handle?.sync();
    await current.handle?.close();
    current = undefined;
  };
  try {
    for await (const { kind, body } of reader.chunks()) {
      if (kind === ChunkKind.File) {
        await finish();
        const { name, bytes: length } = reader.fileOf(body);
        const handle = target && (await open(join(target.folder, name), 'wx', FILE_MODE));
        target?.names.push(name);
        current = { bytes: length, at: 0, handle };
        files++;
      } else if (kind === ChunkKind.Data) {
        if (current === undefined) throw reader.damaged('there is data without a file');
        await writeAll(current.handle, body);
        current.at += body.length;
        bytes += body.length;
        crc = crc32(body, crc);
      } else {
        await finish();
        const end = reader.endOf(body);
        if (end.files !== files || end.bytes !== bytes || end.crc !== crc) {
          throw reader.damaged('its sums are not those of what is in it');
        }
      }
      onProgress?.(reader.read, reader.total);
    }
  } finally {
    await current?.handle?.close();
  }
  if (target !== undefined) await syncFolder(target.folder);
  return { files, bytes };
}

async function writeAll(handle: FileHandle | undefined, bytes: Buffer): Promise<void> {
  if (handle === undefined) return;
  for (let written = 0; written < bytes.length; ) {
    written += (await handle.write(bytes, written)).bytesWritten;
  }
}

/** @returns whether the folder was made now */
async function makeEmpty(folder: string): Promise<boolean> {
  const what = `the folder '${folder}'`;
  try {
    await mkdir(dirname(resolve(folder)), { recursive: true });
    const isNew = await makeOne(folder);
    const names = await readdir(folder);
    // One that was broken off before anything had its name.
    if (names.length === 1 && names[0] === UNFINISHED_RESTORE) {
      await rm(join(folder, UNFINISHED_RESTORE), { recursive: true });
      return isNew;
    }
    if (names.length === 0) return isNew;
  } catch (cause) {
    throw new RestoreError(`${what} cannot be made: ${(cause as Error).message}`, { cause });
  }
  throw new RestoreError(`${what} is not empty, and nothing in it is touched; name one that is new or empty`);
}

async function makeOne(folder: string): Promise<boolean> {
  try {
    await mkdir(folder, { mode: FOLDER_MODE });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
