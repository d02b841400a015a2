import { parseArgs } from 'node:util';
import { Corpus, saveFailure } from './corpus.ts';
import { type FuzzProgress, type FuzzReport, fuzz, isFlat, type Memory } from './fuzz.ts';
import { FuzzFailure } from './fuzz-failure.ts';
import type { Target } from './target.ts';
import { TARGETS } from './targets/targets.ts';
import { Watchdog } from './watchdog.ts';

const NAMES = TARGETS.map(({ name }) => name);
const HELP = `Reads inputs that were changed at random, and holds that each is read or refused as it should be, in a bounded time and
without memory that grows. Exits 1 with the seed and the hex of an input that was not, which is kept in tests/fuzz/corpus.

  npm run test:fuzz -- [options]

  --target NAME   ${NAMES.join(', ')}: what reads them (default: each in turn)
  --inputs N      how many                                           (default 1000000)
  --seconds N     end after so many, if there are inputs left then
  --seed N        changes as in another run that began with the same corpus
  --keep          keep an input for each outcome that is met in tests/fuzz/corpus, as short as it can be
  --help
`;

const { values } = parseArgs({
  options: {
    target: { type: 'string' },
    inputs: { type: 'string', default: '1000000' },
    seconds: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const inputs = Number(values.inputs);
const seed = Number(values.seed);
const seconds = values.seconds === undefined ? undefined : Number(values.seconds);
const targets = TARGETS.filter(({ name }) => values.target === undefined || name === values.target);
const isRight =
  Number.isSafeInteger(inputs) && inputs > 0 && Number.isSafeInteger(seed) && !(Number(seconds ?? 1) <= 0);
if (values.help || !isRight || targets.length === 0) {
  process.stderr.write(HELP);
  process.exit(values.help ? 0 : 1);
}
for (const target of targets) if (!(await run(target))) process.exitCode = 1;

/** @returns whether all was as it should be */
async function run(target: Target): Promise<boolean> {
  const corpus = new Corpus(target);
  await using watchdog = new Watchdog(target.name, corpus.folder, target.inputBytesMax);
  const { begins } = watchdog;
  const found = new Map<string, Buffer>();
  const onOutcome = values.keep ? (key: string, input: Buffer) => void found.set(key, input) : undefined;
  const onProgress = (progress: FuzzProgress): void => show(target, progress);
  try {
    const kept = corpus.inputs;
    const report = fuzz(target, { inputs, seed, seconds, kept, begins, onOutcome, onProgress });
    if (values.keep) corpus.grow(found);
    tell(target, report, corpus);
    return isFlat(report);
  } catch (error) {
    if (!(error instanceof FuzzFailure)) throw error;
    console.log(`\n${error.message}\nkept as ${saveFailure(corpus.folder, error.input)}`);
    return false;
  } finally {
    target.close?.();
  }
}

function show(target: Target, { inputs: done, seconds: passed }: FuzzProgress): void {
  if (process.stderr.isTTY) {
    process.stderr.write(
      `\r\x1b[K${target.name}: ${done} of ${inputs} inputs, ${Math.round(done / passed)} a second`,
    );
  }
}

function tell(target: Target, report: FuzzReport, corpus: Corpus): void {
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  const { inputs: done, seconds: passed, cpuSeconds, atQuarter, atEnd } = report;
  const rows = {
    [target.name]: `${done} inputs (seed ${seed}) in ${passed.toFixed(1)} s: ${Math.round(done / passed)} a second`,
    'of processor time': `${cpuSeconds.toFixed(1)} s: ${Math.round(done / cpuSeconds)} a second`,
    'kept in the corpus': `${corpus.inputs.length}`,
    'memory after a quarter': shown(atQuarter),
    'memory at the end': `${shown(atEnd)}${isFlat(report) ? '' : ': IT GREW'}`,
  };
  for (const [title, value] of Object.entries(rows)) console.log(`${title.padEnd(28)}${value}`);
}

function shown({ residentMb, inUseMb }: Memory): string {
  return `${Math.round(residentMb)} MB resident, ${Math.round(inUseMb)} MB in use`;
}
