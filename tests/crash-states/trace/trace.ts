import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Disk } from '../disk/disk.ts';
import type { Operation } from './operations.ts';

/**
 * Checks that the log has every operation: the folder that it makes is the one that is there, byte for byte.
 *
 * @throws Error that names the first file that is not the same
 */
export function checkComplete(operations: readonly Operation[], root: string): void {
  const disk = new Disk();
  for (const operation of operations) disk.apply(operation);
  const there = new Set(readdirSync(root, { recursive: true, encoding: 'utf8' }));
  for (const path of there) {
    if (!disk.currentNames.has(path)) throw new Error(`the log of operations misses that '${path}' was made`);
  }
  for (const [path, inode] of disk.currentNames) {
    if (!existsSync(join(root, path))) throw new Error(`the log of operations misses that '${path}' went`);
    if (inode.isFolder !== statSync(join(root, path)).isDirectory())
      throw new Error(`'${path}' is of another kind`);
    if (inode.isFolder) continue;
    const [logged, real] = [inode.current(), readFileSync(join(root, path))];
    if (logged.equals(real)) continue;
    const at = real.findIndex((byte, index) => logged[index] !== byte);
    throw new Error(
      `the log of operations makes '${path}' one of ${logged.length} bytes that differs at byte ${at}; ` +
        `it has ${real.length} bytes`,
    );
  }
}
