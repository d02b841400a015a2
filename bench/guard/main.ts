import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { undoOnInterrupt } from '../interrupt.ts';
import { measure } from '../measure.ts';
import { aligned } from '../report.ts';
import { SCENARIOS, type Scenario, type Subject } from '../scenarios.ts';
import { type Verdict, verdictOn } from './verdict.ts';
import { Worktree } from './worktree.ts';

const HELP = `Compares the working tree with a revision, in alternating rounds on this machine, and fails where it is slower.

  npm run bench:guard -- --against REV [options]

  --against REV    a commit, a branch or a tag; it is checked out into a temporary folder (default HEAD)
  --ratio R        the least that the working tree may do, as a share of the revision  (default 0.9)
  --only A,B       scenarios: ${SCENARIOS.map(({ id }) => id).join(', ')}
  --rounds N       rounds; the medians of their ratios count                           (default 5)
  --messages N     messages of a throughput scenario                                   (default 500000)
  --body BYTES     size of a body                                                      (default 128)
  --help

It ends with 1 where a ratio is below the least, and with 2 where it could not measure. Run it while the machine does
nothing else: a machine that two share can fail it, or pass it, by itself.
`;

const { values: options } = parseArgs({
  options: {
    against: { type: 'string', default: 'HEAD' },
    ratio: { type: 'string', default: '0.9' },
    only: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    messages: { type: 'string', default: '500000' },
    body: { type: 'string', default: '128' },
    help: { type: 'boolean', default: false },
  },
});
if (options.help) {
  process.stdout.write(HELP);
} else {
  undoOnInterrupt();
  process.exitCode = await main().catch((error: Error) => {
    process.stderr.write(`bench:guard: ${error.message}\n`);
    return 2;
  });
}

async function main(): Promise<number> {
  const least = number('ratio');
  const rounds = number('rounds');
  const size = { messages: number('messages'), bodyBytes: number('body') };
  const scenarios = chosen();
  await using worktree = await Worktree.create(options.against);
  const here: Subject = { name: 'working tree', folder: 'simplemq' };
  const there: Subject = { name: options.against, folder: 'simplemq', bench: worktree.bench };
  const verdicts: Verdict[] = [];
  for (const scenario of scenarios) {
    const [one, other] = await measure(scenario, [here, there], size, rounds);
    verdicts.push(verdictOn(scenario, one!, other!, least));
  }
  process.stdout.write(
    `\n${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}, Node.js ${process.version}\n\n`,
  );
  process.stdout.write(`${table(verdicts)}\n`);
  return verdicts.every(({ passes }) => passes) ? 0 : 1;
}

function chosen(): readonly Scenario[] {
  const names = options.only?.split(',');
  const unknown = names?.find((name) => !SCENARIOS.some(({ id }) => id === name));
  if (unknown !== undefined) throw new Error(`there is no scenario '${unknown}'`);
  return SCENARIOS.filter(({ id }) => names === undefined || names.includes(id));
}

function table(verdicts: readonly Verdict[]): string {
  const rows = verdicts.map(({ scenario, here, there, ratio, passes }) => [
    scenario.title,
    shown(scenario, here),
    shown(scenario, there),
    `${ratio.toFixed(3)} x`,
    passes ? 'ok' : 'SLOWER',
  ]);
  return aligned([['scenario', 'working tree', options.against, 'as fast', ''], ...rows]);
}

function shown({ unit }: Scenario, value: number): string {
  return unit === 'ms' ? `${value.toFixed(3)} ms` : `${Math.round(value).toLocaleString('en')} /s`;
}

function number(option: 'ratio' | 'rounds' | 'messages' | 'body'): number {
  const value = Number(options[option]);
  if (value > 0 && (option === 'ratio' || Number.isInteger(value))) return value;
  throw new Error(`--${option} takes a number above 0, not '${options[option]}'`);
}
