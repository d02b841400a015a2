import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { showVerdict } from '../crash/show-verdict.ts';
import { MUTANTS } from './broker/edits.ts';
import { RULES } from './check/violation.ts';
import { type CrashStatesVerdict, crashStates, KINDS, type KindName } from './crash-states.ts';
import type { Counts } from './explore/explorer.ts';
import { HAPPENINGS, type Happening } from './trace/happened.ts';

const HELP = `Writes down every write, sync and rename of a broker under load, lays out states that a power cut could have left at
any moment of that, and opens a broker on each: nothing that was confirmed may be missing. Needs Linux and gcc.
docs/decisions/crash-model.md says what a power cut leaves. Exits 1 if a promise was broken.

  npm run test:crash-states -- [options]

  --states N      states to look at                                    (default 20000)
  --seed N        of the load and of the power cuts
  --kind K        ${Object.keys(KINDS).join(', ')}: with small segments, as it is for a few MiB, or for
                  some hundreds of them; all in turn unless given
  --log-every N   states that are looked at of one run of a broker      (default 10000)
  --processes N   that look at states at once                          (default: as many as processors)
  --keep DIR      keeps states that broke a promise
  --mutants       in place of all that, sees that brokers with a fault are found out, 3000 states each at the most
  --mutant TEXT   with --mutants: only those that have this in their name
  --help
`;
/** Of the states that are looked at, by kind. */
const SHARES: Record<KindName, number> = { dense: 0.75, short: 0.1, whole: 0.15 };
const MUTANT_STATES = 3000;

const { values } = parseArgs({
  options: {
    states: { type: 'string', default: '20000' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    kind: { type: 'string' },
    'log-every': { type: 'string', default: '10000' },
    processes: { type: 'string', default: String(availableParallelism()) },
    keep: { type: 'string' },
    mutants: { type: 'boolean', default: false },
    mutant: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
const states = Number(values.states);
const seed = Number(values.seed);
const perLog = Number(values['log-every']);
const processes = Number(values.processes);
const kinds = values.kind === undefined ? (Object.keys(KINDS) as KindName[]) : [values.kind as KindName];
const isRight = [states, seed, perLog, processes].every((value) => Number.isSafeInteger(value) && value > 0);
if (values.help || !isRight || !kinds.every((kind) => kind in KINDS)) {
  process.stderr.write(HELP);
  process.exit(values.help ? 0 : 1);
}
process.exitCode = (await (values.mutants ? tryMutants() : run())) ? 0 : 1;

async function run(): Promise<boolean> {
  const startedAt = performance.now();
  const verdicts: CrashStatesVerdict[] = [];
  for (const kind of kinds) {
    let left = kinds.length === 1 ? states : Math.ceil(states * SHARES[kind]);
    for (let log = 0; left > 0; log++) {
      const some = Math.min(left, perLog);
      const onProgress = (counts: Counts): void => show(kind, verdicts, counts);
      const options = {
        kind,
        states: some,
        seed: seed + log,
        processes,
        recoveryEvery: 12,
        keep: values.keep,
      };
      verdicts.push(await crashStates({ ...options, onProgress }));
      left -= some;
    }
  }
  process.stderr.write('\n');
  const sum = (of: (verdict: CrashStatesVerdict) => number): number =>
    verdicts.reduce((total, verdict) => total + of(verdict), 0);
  const found = verdicts.flatMap((verdict) => verdict.found);
  const rows: [string, string | number][] = [
    ['states', `${sum(({ counts }) => counts.states)} (seed ${seed})`],
    ['  of them after a second power cut, during recovery', sum(({ counts }) => counts.recovering)],
    ['moments of the logs', sum(({ counts }) => counts.moments)],
    ['logs', verdicts.length],
    ['  operations in them', sum(({ operations }) => operations)],
    ...(Object.keys(HAPPENINGS) as Happening[]).map((happening): [string, number] => [
      `  ${HAPPENINGS[happening]}`,
      sum(({ happened }) => happened[happening]),
    ]),
    ['seconds', Math.round((performance.now() - startedAt) / 1000)],
  ];
  const violations = found.map(({ rule, text, cut }) => ({ rule, text: `${text}\n    after ${cut}` }));
  showVerdict(rows, RULES, violations);
  return found.length === 0;
}

async function tryMutants(): Promise<boolean> {
  let isAllFound = true;
  for (const mutant of MUTANTS.filter(
    ({ name }) => values.mutant === undefined || name.includes(values.mutant),
  )) {
    const options = {
      kind: 'dense',
      states: MUTANT_STATES,
      seed,
      processes,
      recoveryEvery: 20,
      mutant,
    } as const;
    const { found, counts } = await crashStates(options);
    const rules = [...new Set(found.map(({ rule }) => rule))];
    const verdict = found.length === 0 ? 'NOT FOUND' : `found by ${rules.join(', ')}`;
    console.log(`${mutant.name}: ${verdict} in ${counts.states} states`);
    if (found[0] !== undefined) console.log(`  ${found[0].rule}: ${found[0].text}`);
    isAllFound &&= found.length > 0;
  }
  return isAllFound;
}

function show(kind: string, before: readonly CrashStatesVerdict[], counts: Counts): void {
  const done = before.reduce((total, verdict) => total + verdict.counts.states, 0) + counts.states;
  process.stderr.write(`\r${done} of ${states} states (${kind}), ${counts.recovering} during recovery `);
}
