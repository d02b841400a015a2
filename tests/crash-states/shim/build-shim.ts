import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SOURCE = fileURLToPath(new URL('./shim.c', import.meta.url));

/**
 * Builds the library that writes down what a process does to its files.
 *
 * @returns its path, in `folder`
 * @throws Error that says what is missing
 */
export function buildShim(folder: string): string {
  if (process.platform !== 'linux') {
    throw new Error(
      `crash states need Linux, for LD_PRELOAD and the order in which it logs; this is ${process.platform}`,
    );
  }
  const library = join(folder, 'shim.so');
  const options = ['-shared', '-fPIC', '-O2', '-Wall', '-Werror', '-o', library, SOURCE, '-lpthread'];
  try {
    execFileSync('gcc', options, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') {
      throw new Error(
        'crash states need gcc and the headers of libc; install them (apt-get install gcc libc6-dev)',
        {
          cause,
        },
      );
    }
    throw new Error(`gcc could not build '${SOURCE}': ${(cause as { stderr?: string }).stderr}`, { cause });
  }
  return library;
}

/** What a process is started with to be written down. */
export function shimEnvironment({ library, root, log }: Tracing): NodeJS.ProcessEnv {
  return { ...process.env, LD_PRELOAD: library, CRASH_ROOT: root, CRASH_LOG: log };
}

export interface Tracing {
  readonly library: string;
  /** What lies in this folder is written down. It is there already, and its path has no symbolic link. */
  readonly root: string;
  /** A file that entries are appended to. */
  readonly log: string;
}
