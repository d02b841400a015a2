import { closeSync, fsyncSync, openSync } from 'node:fs';

/** What there is in the folder, and under which names, is on the disk afterwards; not what is in those files. */
export function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
