import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { CommandError } from '../command-error.ts';

export interface AskOptions {
  /** Show nothing of what is typed. Default false. */
  readonly hidden?: boolean;
}

/** Asks the person at the terminal; the question goes to standard error, so that standard output stays clean. */
export async function ask(question: string, { hidden = false }: AskOptions = {}): Promise<string> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({
    input: process.stdin,
    output: hidden ? nowhere : process.stderr,
    terminal: true,
  });
  if (hidden) process.stderr.write(question);
  const { promise: interrupted, reject } = Promise.withResolvers<never>();
  // Ctrl-C, or Ctrl-D on an empty line.
  lines.once('SIGINT', () => lines.close());
  lines.once('close', () => reject(new CommandError('stopped at the question; nothing was done')));
  try {
    return await Promise.race([lines.question(hidden ? '' : question), interrupted]);
  } finally {
    lines.close();
    interrupted.catch(() => undefined);
    if (hidden) process.stderr.write('\n');
  }
}
