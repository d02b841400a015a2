import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { describeFlip, type Flip, runFlips } from './flips.ts';

const HELP = `Flips a bit, zeros a sector or cuts a file in a broker's data, starts the engine on it, reads everything, and
checks that nothing is wrong without being named. Exits 1 if something was.

  npm run test:flips -- [options]

  --flips N      how many                                  (default 10000)
  --seed N       begin with this seed, as a violation names it
  --jobs N       processes side by side, each with a seed of its own (default 2)
  --only N       with --seed: only the flip of this number

Ctrl-C ends it with what was found by then.
  --help
`;
const SHOWN_EVERY = 500;

const { values } = parseArgs({
  options: {
    flips: { type: 'string', default: '10000' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    jobs: { type: 'string', default: '2' },
    only: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
const [flips, seed, jobs] = [values.flips, values.seed, values.jobs].map(Number) as [number, number, number];
const only = values.only === undefined ? undefined : Number(values.only);
const isRight =
  [flips, jobs].every((value) => Number.isSafeInteger(value) && value > 0) && Number.isSafeInteger(seed);
if (values.help || !isRight || Number.isNaN(only)) {
  process.stderr.write(HELP);
  process.exit(values.help ? 0 : 1);
}

const outcomes = new Map<string, number>();
const startedAt = performance.now();
let done = 0;
let violations = 0;
process.on('SIGINT', () => {
  if (process.send === undefined) summarize();
  process.exit(violations === 0 ? 0 : 1);
});
process.on('disconnect', () => process.exit());
if (process.send !== undefined || jobs === 1 || only !== undefined) await runHere();
else await runJobs();

async function runHere(): Promise<void> {
  // Timers of the engine do not keep a process alive.
  const alive = setInterval(() => {}, 1_000);
  const tell = (flip: Flip): void => {
    if (process.send !== undefined) process.send({ seed, flip });
    else seen(seed, flip);
  };
  await runFlips({ flips, seed, ...(only !== undefined && { only }), onFlip: tell });
  clearInterval(alive);
  if (process.send !== undefined) process.disconnect();
  else summarize();
}

async function runJobs(): Promise<void> {
  const each = Math.ceil(flips / jobs);
  const children = Array.from({ length: jobs }, (_, index) => {
    const args = ['--flips', String(each), '--seed', String(seed + index), '--jobs', '1'];
    const child = fork(fileURLToPath(import.meta.url), args);
    child.on('message', (told: { seed: number; flip: Flip }) => seen(told.seed, told.flip));
    return new Promise<void>((resolve) => {
      child.on('exit', (code) => {
        if (code !== 0) {
          violations++;
          process.stdout.write(`the process with seed ${seed + index} ended with ${code}\n`);
        }
        resolve();
      });
    });
  });
  await Promise.all(children);
  summarize();
}

function seen(of: number, flip: Flip): void {
  done++;
  const what = `${flip.damage.file.replace(/-\d+$/, '')}, ${flip.damage.kind}: ${flip.outcome}`;
  outcomes.set(what, (outcomes.get(what) ?? 0) + 1);
  if (flip.violations.length > 0) {
    violations++;
    process.stdout.write(`seed ${of}, ${describeFlip(flip)}\n`);
  }
  if (only !== undefined) process.stdout.write(`${describeFlip(flip)}\n`);
  if (process.stderr.isTTY || done % SHOWN_EVERY === 0)
    process.stderr.write(
      `${process.stderr.isTTY ? '\r' : ''}${done} of ${flips} flips, ${violations} violations${process.stderr.isTTY ? ' ' : '\n'}`,
    );
}

function summarize(): void {
  process.stderr.write('\n');
  const seconds = (performance.now() - startedAt) / 1000;
  for (const [what, count] of [...outcomes].sort())
    process.stdout.write(`${String(count).padStart(7)}  ${what}\n`);
  process.stdout.write(
    `${done} flips, ${violations} violations, ${(done / seconds).toFixed(0)} a second, seed ${seed}\n`,
  );
  process.exitCode = violations === 0 ? 0 : 1;
}
