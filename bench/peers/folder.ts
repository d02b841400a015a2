import { statfs } from 'node:fs/promises';

const TMPFS = 0x01021994;
const RAMFS = 0x858458f6;

/** Whether a folder is in memory, where an fsync costs nothing and proves nothing. Linux only. */
export async function isInMemory(folder: string): Promise<boolean> {
  const { type } = await statfs(folder);
  return type === TMPFS || type === RAMFS;
}
