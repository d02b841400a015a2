import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Edit } from './edits.ts';

const REPOSITORY = fileURLToPath(new URL('../../../', import.meta.url));
const BROKER = join('packages', 'broker');

/** The sources of the broker as they are. */
export const OWN_SOURCE: string = join(REPOSITORY, BROKER, 'src');

/**
 * Copies the sources of the broker into a folder, with other lines in place of some.
 *
 * @returns where they are
 * @throws Error when a line is not there, or more than once: whoever changed it is to change the edit too
 */
export function editedSource(folder: string, edits: readonly Edit[]): string {
  const copy = join(folder, BROKER);
  mkdirSync(copy, { recursive: true });
  cpSync(join(REPOSITORY, BROKER, 'src'), join(copy, 'src'), { recursive: true });
  cpSync(join(REPOSITORY, BROKER, 'package.json'), join(copy, 'package.json'));
  symlinkSync(join(REPOSITORY, 'node_modules'), join(folder, 'node_modules'));
  for (const { file, from, to } of edits) {
    const path = join(copy, 'src', file);
    const text = readFileSync(path, 'utf8');
    const times = text.split(from).length - 1;
    if (times !== 1) {
      throw new Error(
        `packages/broker/src/${file} has ${times} times what tests/crash-states/broker/edits.ts is to change there, ` +
          `and must have it once:\n${from}`,
      );
    }
    writeFileSync(
      path,
      text.replace(from, () => to),
    );
  }
  return join(copy, 'src');
}
