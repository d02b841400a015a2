import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startTestBroker } from '@simplemq/testkit';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { Program } from '../e2e/program.ts';
import { programsOf } from './programs.ts';

// Each runs processes of their own, on machines that may be busy.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const GUIDE = new URL('../../docs/guide/', import.meta.url);
const PAGES = readdirSync(GUIDE).filter((name) => name.endsWith('.md') && name !== 'README.md');

// Inside the repository, where the packages are found.
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(fileURLToPath(new URL('./run-', import.meta.url)));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('the guide', () => {
  test.each(PAGES)('%s: its programs print what stands below them', async (page) => {
    await using broker = await startTestBroker();
    for (const { name, code, output } of programsOf(
      new URL(page, GUIDE),
      `simplemq://localhost:${broker.port}`,
    )) {
      const file = `${folder.slice(ROOT.length)}/${page.replace('.md', '')}-${name}`;
      writeFileSync(`${ROOT}${file}`, code);
      await using program = new Program(file);
      const { code: exit } = await program.ended;
      expect({ errors: program.errors, exit, output: `${program.output}\n` }).toEqual({
        errors: '',
        exit: 0,
        output,
      });
    }
  });

  test('its programs have the types that they say', async () => {
    for (const page of PAGES) {
      for (const { name, code } of programsOf(new URL(page, GUIDE), 'simplemq://localhost:9090')) {
        writeFileSync(`${folder}/${page.replace('.md', '')}-${name}`, code);
      }
    }
    writeFileSync(
      `${folder}/tsconfig.json`,
      JSON.stringify({
        extends: '../../../tsconfig.base.json',
        compilerOptions: { noEmit: true, rewriteRelativeImportExtensions: false, moduleDetection: 'force' },
        // Of what the server uses and has no types, for pages that start one.
        include: ['*.ts', '../../../packages/server/src/logs/pino-roll.d.ts'],
      }),
    );
    const tsc = ['node_modules/typescript/bin/tsc', '-p', folder];
    await promisify(execFile)(process.execPath, tsc, { cwd: ROOT }).catch(({ stdout }) => {
      throw new Error(stdout);
    });
  });
});
