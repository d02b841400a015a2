import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { Demo } from './demo.ts';
import { HELP, readOptions } from './options.ts';
import { Processes } from './processes.ts';

const LOST_OR_LEFT = 1;
const COULD_NOT_RUN = 2;
/** As a shell has it for a command that a signal ended. */
const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

class Interrupted extends Error {
  readonly exitCode: number;

  constructor(exitCode: number) {
    super('interrupted');
    this.exitCode = exitCode;
  }
}

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (options === undefined) {
    process.stdout.write(HELP);
    return 0;
  }
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'simplemq-demo-'));
  stack.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }));
  const processes = stack.use(new Processes());
  for (const [signal, exitCode] of Object.entries(SIGNALS)) {
    process.on(signal, () => processes.fail(new Interrupted(exitCode)));
  }
  process.stdout.on('error', (error) => processes.fail(error));

  const { lines, isClean } = await Demo.run(options, processes, folder);
  process.stdout.write(`\n${lines.join('\n')}\n`);
  return isClean ? 0 : LOST_OR_LEFT;
}

try {
  process.exitCode = await main();
} catch (error) {
  if (error instanceof Interrupted) {
    process.exitCode = error.exitCode;
  } else {
    process.stderr.write(`demo: ${(error as Error).message}\n`);
    process.exitCode = COULD_NOT_RUN;
  }
}
// Whatever is still waiting for a broker that is gone is of no interest any more.
process.exit();
