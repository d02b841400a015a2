import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { onInterrupt } from '../interrupt.ts';
import { TemporaryFolder } from '../temporary-folder.ts';

/** A revision of this repository in a folder of its own, with its dependencies, which goes when it is disposed of. */
export class Worktree implements AsyncDisposable {
  readonly #folder: TemporaryFolder;
  readonly #path: string;
  readonly #forget: () => void;

  private constructor(folder: TemporaryFolder, path: string) {
    this.#folder = folder;
    this.#path = path;
    this.#forget = onInterrupt(() => this.#remove());
  }

  /** @throws when git or npm fails, which tell why themselves */
  static async create(revision: string): Promise<Worktree> {
    const folder = await TemporaryFolder.create('guard');
    const path = join(folder.path, 'checkout');
    const worktree = new Worktree(folder, path);
    try {
      await run('git', ['worktree', 'add', '--detach', path, revision]);
      await run('npm', ['ci', '--no-audit', '--no-fund'], path);
      return worktree;
    } catch (error) {
      await worktree[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Its folder of benchmarks. */
  get bench(): URL {
    return pathToFileURL(`${join(this.#path, 'bench')}/`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#remove();
    await this.#folder[Symbol.asyncDispose]();
    this.#forget();
  }

  /** git forgets the worktree before its folder goes. */
  async #remove(): Promise<void> {
    await run('git', ['worktree', 'remove', '--force', this.#path]).catch(() => {});
  }
}

/** Its output goes to stderr. */
async function run(program: string, args: readonly string[], cwd: string = process.cwd()): Promise<void> {
  const child = spawn(program, args, { cwd, stdio: ['ignore', process.stderr, process.stderr] });
  const forget = onInterrupt(async () => {
    child.kill();
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  forget();
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}`);
}
