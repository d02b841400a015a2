import { parseArgs } from 'node:util';
import { KINDS, runSeeds } from './batch.ts';
import { findMutant } from './find-mutant.ts';
import { planWith } from './minimise.ts';
import { MUTANTS } from './mutants.ts';
import { describeCounts, describeFailure } from './report.ts';
import { RULES } from './rules.ts';
import { simulate } from './simulation.ts';

const HELP = `The engine under a clock, a disk, a network and random numbers that a seed decides, with crashes anywhere,
checked for every promise. The same seed gives the same run. Exits 1 if a promise was broken.

  npm run test:simulation -- [options]

  --seeds N       runs, one for each seed                        (default 20000)
  --from S        the first seed                                 (default: one that the time of day gives)
  --failures N    stop after so many that fail                   (default 3)
  --seed S        only this one, and tell all that happened
  --commands L    with --seed: only these commands of its plan, as a failure names them
  --trail M       with --seed: all that happens to this message, 'orders 12'
  --mutants       engines with a fault, each of which must be noticed
  --only L        with --mutants: only these, by their numbers
  --help
`;
const SHOWN_EVERY = 500;
/** In so many runs everything has to happen that may. */
const ENOUGH_RUNS = 2_000;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '20000' },
    from: { type: 'string', default: String(Date.now() % 2 ** 31) },
    failures: { type: 'string', default: '3' },
    seed: { type: 'string' },
    commands: { type: 'string' },
    trail: { type: 'string' },
    mutants: { type: 'boolean', default: false },
    only: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
const [seeds, from, failuresMax] = [values.seeds, values.from, values.failures].map(Number) as [
  number,
  number,
  number,
];
const isRight = [seeds, from, failuresMax].every((number) => Number.isSafeInteger(number) && number >= 0);
if (values.help || !isRight) {
  process.stderr.write(HELP);
  process.exit(values.help ? 0 : 1);
}

if (values.mutants) await findMutants();
else if (values.seed !== undefined) await runOne(Number(values.seed));
else await runAll();

async function runAll(): Promise<void> {
  const startedAt = performance.now();
  const secondsNow = (): number => (performance.now() - startedAt) / 1000;
  const onRun = (runs: number, failed: number): void => {
    if (runs % SHOWN_EVERY !== 0) return;
    const rate = Math.round((runs / secondsNow()) * 60);
    process.stderr.write(`\r${runs} of ${seeds} seeds, ${failed} failed, ${rate} a minute `);
  };
  const verdict = await runSeeds({ from, seeds, failuresMax, onRun });
  const seconds = secondsNow();
  process.stderr.write('\n');
  for (const failure of verdict.failures) process.stdout.write(`${await describeFailure(failure)}\n\n`);
  process.stdout.write(`${describeCounts(verdict)}\n`);
  const isEnough = verdict.failures.length === 0 && verdict.runs >= ENOUGH_RUNS;
  const missing = !isEnough ? [] : KINDS.filter((kind) => !verdict.counts.has(kind));
  if (missing.length > 0) process.stdout.write(`never happened: ${missing.join(', ')}\n`);
  const simulated = Math.round(verdict.simulatedMs / 1000);
  process.stdout.write(
    `seeds ${from} to ${from + verdict.runs - 1}: ${verdict.failures.length} failed; ${verdict.events} events, ` +
      `${simulated} s simulated in ${seconds.toFixed(1)} s, ${Math.round((verdict.runs / seconds) * 60)} seeds a minute\n`,
  );
  process.exitCode = verdict.failures.length + missing.length === 0 ? 0 : 1;
}

async function runOne(seed: number): Promise<void> {
  const kept = values.commands === 'none' ? [] : values.commands?.split(',').map(Number);
  const onTrail = (stream: string, sequence: number, what: string, atMs: number): void => {
    if (values.trail === `${stream} ${sequence}`)
      process.stdout.write(`${atMs.toFixed(2).padStart(8)} ms  ${what}\n`);
  };
  const plan = kept && { plan: planWith(seed, kept) };
  const { violation, counts, events, simulatedMs } = await simulate(seed, { ...plan, onTrail });
  for (const [what, times] of counts) process.stdout.write(`${what}: ${times}\n`);
  process.stdout.write(`${events} events, ${Math.round(simulatedMs)} ms simulated\n`);
  const told = violation && `${RULES[violation.rule]} (${violation.rule}): ${violation.text}`;
  process.stdout.write(`${told ?? 'no promise was broken'}\n`);
  process.exitCode = violation === undefined ? 0 : 1;
}

async function findMutants(): Promise<void> {
  const only = values.only?.split(',').map(Number);
  for (const [index, mutant] of MUTANTS.entries()) {
    if (only !== undefined && !only.includes(index + 1)) continue;
    const { isFound, told } = await findMutant(mutant);
    process.stdout.write(`${index + 1}: ${told}\n`);
    if (!isFound) process.exitCode = 1;
  }
}
