import { readFile } from 'node:fs/promises';

/** What a broker has open besides its connections. */
const OTHER_FILES = 100;

/**
 * Node.js raises its limit of open files to the hard one, which brokers inherit. Linux only.
 *
 * @throws Error when a broker cannot have so many connections
 */
export async function requireOpenFiles(connections: number): Promise<void> {
  const limits = await readFile('/proc/self/limits', 'utf8');
  const hard = /^Max open files\s+\S+\s+(\S+)/m.exec(limits)![1]!;
  const needed = connections + OTHER_FILES;
  if (hard === 'unlimited' || Number(hard) >= needed) return;
  throw new Error(`it takes ${needed} open files, and the hard limit is ${hard}: see ulimit -H -n`);
}
