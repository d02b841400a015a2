import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  cpSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Disk } from '../disk/disk.ts';
import { shimEnvironment } from '../shim/build-shim.ts';
import { readOperations } from '../trace/operations.ts';
import { type RecoveryStep, stepsIn } from '../trace/recoveries.ts';

const MAIN = fileURLToPath(new URL('./recovery-main.ts', import.meta.url));

export interface RecoveriesOptions {
  readonly source: string;
  readonly library: string;
  /** Whose path has no symbolic link. */
  readonly folder: string;
}

/** Writes down what brokers do when they open states that a crash left, all in one process. */
export class Recoveries implements AsyncDisposable {
  readonly #options: RecoveriesOptions;
  readonly #states: string;
  readonly #log: string;
  #process: ChildProcess | undefined;
  #lines: AsyncIterator<string> | undefined;
  #errors = '';
  #logEnd = 0;
  #count = 0;

  constructor(options: RecoveriesOptions) {
    this.#options = options;
    this.#states = join(options.folder, 'states');
    this.#log = join(options.folder, 'log');
    mkdirSync(this.#states, { recursive: true });
  }

  /**
   * Has a broker recover from a copy of the state.
   *
   * @returns what it did, and the disk as it was before, with all of that on it for certain
   */
  async recover(state: string): Promise<{ disk: Disk; steps: RecoveryStep[] }> {
    const name = String(++this.#count);
    const folder = join(this.#states, name);
    cpSync(state, folder, { recursive: true });
    const disk = diskOf(folder);
    const { stdin, lines } = this.#started();
    stdin.write(`${folder}\n`);
    const { done } = await lines.next();
    if (done === true) throw new Error(`the process that recovers states ended: ${this.#errors}`);
    const steps = stepsIn(readOperations(this.#takeLog()), name);
    rmSync(folder, { recursive: true, force: true });
    return { disk, steps };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process === undefined) return;
    const exited = once(this.#process, 'close');
    this.#process.kill('SIGKILL');
    await exited;
  }

  #started(): { stdin: NonNullable<ChildProcess['stdin']>; lines: AsyncIterator<string> } {
    if (this.#process === undefined || this.#lines === undefined) {
      const { source, library } = this.#options;
      this.#process = spawn(process.execPath, ['--conditions=@simplemq/source', MAIN, source], {
        env: shimEnvironment({ library, root: this.#states, log: this.#log }),
        stdio: ['pipe', 'pipe', 'pipe'],
      });
      this.#process.stderr!.setEncoding('utf8').on('data', (text: string) => {
        this.#errors += text;
      });
      this.#lines = createInterface({ input: this.#process.stdout! })[Symbol.asyncIterator]();
    }
    return { stdin: this.#process.stdin!, lines: this.#lines };
  }

  /** What was written to the log since the last time. */
  #takeLog(): Buffer {
    const bytes = Buffer.alloc(statSync(this.#log).size - this.#logEnd);
    const descriptor = openSync(this.#log, 'r');
    readSync(descriptor, bytes, 0, bytes.length, this.#logEnd);
    closeSync(descriptor);
    this.#logEnd += bytes.length;
    return bytes;
  }
}

function diskOf(root: string): Disk {
  const disk = new Disk();
  for (const path of readdirSync(root, { recursive: true, encoding: 'utf8' }).sort()) {
    if (statSync(join(root, path)).isDirectory()) disk.putFolder(path);
    else disk.put(path, readFileSync(join(root, path)));
  }
  return disk;
}
