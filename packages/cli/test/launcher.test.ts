import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@simplemq/testkit';
import { expect, test } from 'vitest';
import { simplemq } from './simplemq.ts';

test('an older Node.js gets one line that says what is needed, and exit code 1', async () => {
  await using folder = await temporaryFolder();
  await mkdir(folder.path, { recursive: true });
  const pretend = join(folder.path, 'pretend.cjs');
  await writeFile(
    pretend,
    `Object.defineProperty(process.versions, 'node', { value: '20.20.2' });
     Object.defineProperty(process, 'version', { value: 'v20.20.2' });`,
  );
  const outcome = await simplemq(['streams'], { nodeOptions: ['--require', pretend] });
  expect(outcome).toMatchObject({ code: 1, stdout: '' });
  expect(outcome.stderr).toMatch(/^simplemq needs Node\.js 24 or newer; this is v20\.20\.2 \(.+\)\n$/);
});

test('--version prints the version', async () => {
  const outcome = await simplemq(['--version']);
  expect(outcome).toMatchObject({ code: 0, stderr: '' });
  expect(outcome.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});
