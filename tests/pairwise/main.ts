import { parseArgs } from 'node:util';
import { describeViolation, PAIRS, replay, runPairwise } from './pairwise.ts';

const HELP = `Brokers with settings in which every pair of values comes up, under random loads, with restarts and crashes,
checked for every promise. Exits 1 if one was broken.

  npm run test:pairwise -- [options]

  --runs N        random loads, over all settings             (default 2000)
  --seed N        begin with this seed, as a violation names it
  --settings N    only these of the settings, by their number
  --path P        with --seed and --settings: only the load of a violation, as often as --runs says
  --help
`;
const SHOWN_EVERY = 20;

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '2000' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    settings: { type: 'string' },
    path: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
const runs = Number(values.runs);
const seed = Number(values.seed);
const only = values.settings === undefined ? undefined : Number(values.settings);
const isRight = Number.isSafeInteger(runs) && runs > 0 && Number.isSafeInteger(seed) && !Number.isNaN(only);
if (values.help || !isRight) {
  process.stderr.write(HELP);
  process.exit(values.help ? 0 : 1);
}

// Timers of the engine do not keep a process alive.
const alive = setInterval(() => {}, 1_000);
let done = 0;
if (values.path === undefined) await run();
else await runAgain(values.path);
clearInterval(alive);

async function run(): Promise<void> {
  const options = { runs, seed, ...(only !== undefined && { only }), onRun: show };
  const { violations, pairs } = await runPairwise(options);
  process.stderr.write('\n');
  for (const violation of violations) process.stdout.write(`${describeViolation(violation)}\n\n`);
  const counts = `${done} loads, ${violations.length} violations`;
  process.stdout.write(`${counts}, ${pairs.size} of ${PAIRS} pairs of settings, seed ${seed}\n`);
  process.exitCode = violations.length === 0 ? 0 : 1;
}

async function runAgain(path: string): Promise<void> {
  const violation = await replay({ index: only ?? 0, seed, path }, runs);
  process.stdout.write(`${violation === undefined ? 'no violation' : describeViolation(violation)}\n`);
  process.exitCode = violation === undefined ? 0 : 1;
}

function show(seen: ReadonlySet<string>): void {
  done++;
  if (!process.stderr.isTTY && done % SHOWN_EVERY !== 0) return;
  process.stderr.write(`\r${done} of ${runs} loads, ${seen.size} of ${PAIRS} pairs of settings `);
}
