import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { vi } from 'vitest';

// Processes start slowly on a machine that is busy with other tests.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

export const BINARY: string = fileURLToPath(new URL('../bin/simplemq.js', import.meta.url));
const CONDITION = '--conditions=@simplemq/source';

export interface RunOptions {
  /** Variables of the environment beside those of the test; SIMPLEMQ_* of the test are not handed on. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Standard input. Default: empty. */
  readonly input?: string | Uint8Array;
  /** Options of Node.js itself. */
  readonly nodeOptions?: readonly string[];
}

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  /** The same as bytes. */
  readonly output: Buffer;
  readonly stderr: string;
}

/** Runs the command as people do, as a process, to its end. */
export async function simplemq(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const running = startSimplemq(args, options);
  running.child.stdin.end(options.input ?? '');
  return running.ended;
}

/** Starts the command; its standard input stays open. Disposing of it kills it. */
export function startSimplemq(args: readonly string[], options: RunOptions = {}): Running {
  const child = spawn(process.execPath, [CONDITION, ...(options.nodeOptions ?? []), BINARY, ...args], {
    cwd: options.cwd,
    env: { ...inherited(), ...options.env },
  });
  return new Running(child);
}

/** A shell's command line in which "$SIMPLEMQ_COMMAND" stands for the command; resolves to its end. */
export async function shell(line: string, options: RunOptions = {}): Promise<Outcome> {
  const env = { ...inherited(), ...options.env, NODE: process.execPath, CONDITION, BINARY };
  const script = `simplemq() { "$NODE" "$CONDITION" "$BINARY" "$@"; }\n${line}`;
  const child = spawn('sh', ['-c', script], { cwd: options.cwd, env });
  child.stdin.end(options.input ?? '');
  return new Running(child).ended;
}

export class Running {
  readonly child: ChildProcessWithoutNullStreams;
  readonly ended: Promise<Outcome>;
  readonly #output: Buffer[] = [];
  #stderr = '';

  constructor(child: ChildProcessWithoutNullStreams) {
    this.child = child;
    child.stdout.on('data', (chunk: Buffer) => this.#output.push(chunk));
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
    });
    // The process may end before it has read its input.
    child.stdin.on('error', () => undefined);
    this.ended = once(child, 'close').then(([code]) => {
      const output = Buffer.concat(this.#output);
      return { code: code as number | null, stdout: output.toString(), output, stderr: this.#stderr };
    });
  }

  get stdout(): string {
    return Buffer.concat(this.#output).toString();
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** Resolves once `stream` has said what `pattern` matches. */
  async said(stream: 'stdout' | 'stderr', pattern: RegExp): Promise<void> {
    while (!pattern.test(this[stream])) {
      const ended = await Promise.race([once(this.child[stream], 'data').then(() => undefined), this.ended]);
      if (ended !== undefined && !pattern.test(this[stream])) {
        throw new Error(
          `it ended with ${ended.code} and never said ${pattern}: ${ended.stdout}${ended.stderr}`,
        );
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended;
  }
}

function inherited(): NodeJS.ProcessEnv {
  const env = Object.entries(process.env).filter(([name]) => !name.startsWith('SIMPLEMQ_'));
  return { ...Object.fromEntries(env), NO_COLOR: '1' };
}

/** Repeats `look` until it throws nothing. */
export function eventually(look: () => Promise<void>): Promise<void> {
  return vi.waitFor(look, { timeout: 30_000 });
}
