import { closeSync, openSync, writeFileSync } from 'node:fs';
import { devNull } from 'node:os';
import { join } from 'node:path';
import { temporaryFolder } from '@simplemq/testkit';
import { expect, test } from 'vitest';
import { readUpTo, writeWhole } from '../../src/store/journal/file-bytes.ts';

/** More than one call takes. The memory is never touched, and so costs nothing. */
const LARGE: number = 2 ** 31 + 4_096;

test('a record of more than 2 GiB is read in several calls', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'file');
  writeFileSync(path, 'all that there is');
  const descriptor = openSync(path, 'r');
  expect(readUpTo(descriptor, 4, LARGE).toString()).toBe('that there is');
  closeSync(descriptor);
});

test('a record of more than 2 GiB is written in several calls', () => {
  const descriptor = openSync(devNull, 'w');
  writeWhole(descriptor, Buffer.alloc(LARGE), 0);
  closeSync(descriptor);
});
