import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { OpenEngine } from './broker-process.ts';
import type { Mutant } from './mutants.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const SOURCES = join(ROOT, 'packages', 'broker', 'src');

export interface MutatedEngine extends AsyncDisposable {
  readonly open: OpenEngine;
}

/**
 * A copy of the broker's sources with the mutant's fault in it.
 *
 * @throws Error when the text that is to be replaced is not there, once and no more
 */
export async function mutatedEngine({ name, file, from, to }: Mutant): Promise<MutatedEngine> {
  const original = await readFile(join(SOURCES, file), 'utf8');
  const found = original.split(from).length - 1;
  if (found !== 1)
    throw new Error(`the mutant '${name}' is to replace a text of ${file} that is there ${found} times`);
  const folder = await mkdtemp(join(tmpdir(), 'simplemq-mutant-'));
  await cp(SOURCES, join(folder, 'src'), { recursive: true });
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  await writeFile(
    join(folder, 'src', file),
    original.replace(from, () => to),
  );
  const url = pathToFileURL(join(folder, 'src', 'engine', 'embedded-engine.ts')).href;
  const { EmbeddedEngine } = (await import(/* @vite-ignore */ url)) as {
    EmbeddedEngine: { open: OpenEngine };
  };
  return {
    open: (options) => EmbeddedEngine.open(options),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
