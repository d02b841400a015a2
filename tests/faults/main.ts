import { parseArgs } from 'node:util';
import type { Counts } from '../crash/history/check-history.ts';
import { RULES, type Violation } from '../crash/history/violation.ts';
import { showVerdict } from '../crash/show-verdict.ts';
import { allPairs, FAULTS, faultRun, type PairReport } from './fault-run.ts';

const USAGE = `npm run test:faults -- [--minutes 30] [--seed n] [--only A,B] [--long]

A broker in a process of its own under load, and pair after pair of faults: of its process, its disk, its clock and the
network. After every few pairs all comes to rest, and what clients saw is held against the promises. Needs Linux and gcc.
Exits 1 if a promise was broken, or if a fault was tried and never took effect.

  --minutes N   ends after the pairs that are under way then            (default 30)
  --seed N      of the order of pairs and of all that is random in one
  --only A,B    faults: ${FAULTS.map(({ name }) => name).join(', ')}
  --long        faults of up to a minute, and not of three seconds
  --help`;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    only: { type: 'string' },
    long: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const PAIRS_A_ROUND = 12;
const FAULT_MS = 3_000;
const LONG_FAULT_MS = 60_000;

const minutes = Number(values.minutes);
const seed = Number(values.seed);
const only = values.only?.split(',');
const faults = FAULTS.filter(({ name }) => only === undefined || only.includes(name));
const isRight =
  minutes > 0 && Number.isSafeInteger(seed) && faults.length === (only?.length ?? FAULTS.length);
if (values.help || !isRight) {
  console.error(USAGE);
  process.exit(values.help ? 0 : 1);
}

const endsAt = performance.now() + minutes * 60_000;
const violations: Violation[] = [];
const effects = new Map<string, number>(faults.map(({ name }) => [name, 0]));
const tried = new Map<string, number>(effects);
const counted = new Map<keyof Counts, number>();
let pairsDone = 0;
let rounds = 0;
for (let pass = 0; performance.now() < endsAt; pass++) {
  const pairs = allPairs(faults, seed + pass);
  while (pairs.length > 0 && performance.now() < endsAt) {
    const roundSeed = seed + ++rounds;
    const verdict = await faultRun({
      pairs: pairs.splice(0, PAIRS_A_ROUND),
      seed: roundSeed,
      faultMsMax: values.long ? LONG_FAULT_MS : FAULT_MS,
      onPair: show,
    });
    for (const { rule, text } of verdict.violations)
      violations.push({ rule, text: `round ${roundSeed}: ${text}` });
    for (const [name, times] of verdict.effects) effects.set(name, (effects.get(name) ?? 0) + times);
    for (const [name, count] of Object.entries(verdict.counts) as [keyof Counts, number][]) {
      counted.set(name, (counted.get(name) ?? 0) + count);
    }
  }
}
if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
const rows: [string, string | number][] = [
  ['pairs of faults', `${pairsDone} in ${rounds} rounds (seed ${seed})`],
  ['messages confirmed', counted.get('confirmed') ?? 0],
  ['deliveries', counted.get('deliveries') ?? 0],
  ['redeliveries', counted.get('redeliveries') ?? 0],
  ['awaited acks', counted.get('awaitedAcks') ?? 0],
  ['', ''],
  ...faults.map(({ name, title }): [string, string] => [
    title,
    `took effect ${effects.get(name)} of ${tried.get(name)} times`,
  ]),
];
showVerdict(rows, RULES, violations);
const vain = faults.filter(({ name }) => effects.get(name) === 0 && tried.get(name)! > 0);
const untried = faults.filter(({ name }) => tried.get(name) === 0).map(({ name }) => name);
if (untried.length > 0) console.error(`\nNot tried in so short a time: ${untried.join(', ')}`);
for (const { title } of vain)
  console.error(`\n${title}: never took effect, so that this run says nothing of it`);
process.exitCode = violations.length === 0 && vain.length === 0 ? 0 : 1;

function show({ pair, took, ms }: PairReport): void {
  pairsDone++;
  for (const { name } of pair) tried.set(name, (tried.get(name) ?? 0) + 1);
  const told = pair.map(({ name }, index) => (took[index] ? name : `${name} (in vain)`)).join(' + ');
  const line = `pair ${pairsDone}: ${told}, ${Math.round(ms)} ms`;
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}`);
}
