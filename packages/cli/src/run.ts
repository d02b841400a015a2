import { CommanderError } from 'commander';
import { errorLines } from './error-text.ts';
import { createProgram } from './program.ts';
import { drained } from './terminal/print.ts';

const LONG_MS = 2 ** 31 - 1;

/** Runs a command line and ends the process: with 0, or with 1 after a line on standard error. */
export async function main(args: readonly string[]): Promise<never> {
  // A reader that has gone is met where something is written; the event must not end the process.
  process.stdout.on('error', () => undefined);
  process.stderr.on('error', () => undefined);
  // Only what `run` says ends the process: without this a wait that holds no socket would end it with 0.
  setInterval(() => undefined, LONG_MS);
  const code = await run(args);
  await drained();
  process.exit(code);
}

/** Runs a command line; resolves to the exit code. */
export async function run(args: readonly string[]): Promise<number> {
  const program = createProgram();
  try {
    if (args.length === 0) program.outputHelp();
    else await program.parseAsync([...args], { from: 'user' });
    return 0;
  } catch (error) {
    // What commander throws after it has printed help or the version.
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    process.stderr.write(errorLines(error));
    if (process.env.SIMPLEMQ_DEBUG && error instanceof Error) process.stderr.write(`${error.stack}\n`);
    return 1;
  }
}
