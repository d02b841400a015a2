import { type FileHandle, open, readFile, rename, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseUsers, type UserRecord, usersText } from './user-record.ts';

const FILE_NAME = 'users.json';
/** Larger than any file of users that is within the limits of use. */
const FILE_BYTES_MAX = 64 * 1024 * 1024;

const NOT_THERE: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR']);

/** Where the users of a data folder are kept. */
export function userFileOf(dataFolder: string): string {
  return join(dataFolder, FILE_NAME);
}

/**
 * The users in a file; undefined when there is no such file.
 *
 * @throws Error with one line for people
 */
export async function readUserFile(file: string): Promise<readonly UserRecord[] | undefined> {
  try {
    const { size } = await stat(file);
    if (size > FILE_BYTES_MAX) throw new Error(`it is larger than ${FILE_BYTES_MAX} bytes`);
    return parseUsers(await readFile(file, 'utf8'));
  } catch (cause) {
    if (NOT_THERE.has((cause as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw new Error(`the users in ${file} cannot be read: ${(cause as Error).message}`, { cause });
  }
}

/**
 * Puts what `change` makes of the users in their place. A crash leaves the old ones or the new ones: they are written to
 * a file beside it, synced, and renamed, and the folder is synced. That file is the lock too: it can be made once.
 *
 * @throws Error with one line for people; then nothing has changed
 */
export async function editUserFile(
  file: string,
  change: (users: readonly UserRecord[]) => readonly UserRecord[],
): Promise<void> {
  const next = `${file}.new`;
  const handle = await openNew(next, file);
  try {
    const text = usersText(change((await readUserFile(file)) ?? []));
    // Nobody writes what nobody could read again.
    parseUsers(text);
    await giveToOwner(handle, dirname(file));
    await handle.writeFile(text);
    await handle.sync();
    await handle.close();
    await rename(next, file);
  } catch (error) {
    await handle.close().catch(() => undefined);
    await unlink(next).catch(() => undefined);
    throw error;
  }
  await syncFolder(dirname(file));
}

async function openNew(next: string, file: string): Promise<FileHandle> {
  try {
    return await open(next, 'wx', 0o600);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'EEXIST') {
      throw new Error(
        `${next} exists: the users are being changed at this moment, or a change was cut off. Try again; if no other ` +
          'command is at it, delete that file first',
        { cause },
      );
    }
    if (code === 'ENOENT')
      throw new Error(`there is no folder ${dirname(file)}; name the broker's data folder`, { cause });
    throw new Error(`the users in ${file} cannot be changed: ${message}`, { cause });
  }
}

/** An administrator's command must not leave a file that the broker, as another user of the system, cannot read. */
async function giveToOwner(handle: FileHandle, folder: string): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = await stat(folder);
  await handle.chown(uid, gid);
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
