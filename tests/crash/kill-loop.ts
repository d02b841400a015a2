import { parseArgs } from 'node:util';
import { crashRun, type KillReport, VICTIMS, type VictimChoice } from './crash-run.ts';
import type { Verdict } from './history/check-history.ts';
import { RULES, type Rule } from './history/violation.ts';

const USAGE = `npm run crash -- [--kills 100] [--victim ${VICTIMS.join('|')}] [--seed n] [--json]

Kills the broker (or workers, publishers, any of them) with SIGKILL at random moments under load, and checks that no
promise was broken. Exits 1 if one was.`;

/** Of each broken promise so many cases are shown. */
const SHOWN_MAX = 20;

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '100' },
    victim: { type: 'string', default: 'broker' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const kills = Number(values.kills);
const seed = Number(values.seed);
const isRight = Number.isSafeInteger(kills) && kills > 0 && Number.isSafeInteger(seed);
if (values.help || !isRight || !VICTIMS.includes(values.victim as VictimChoice)) {
  console.error(USAGE);
  process.exit(values.help ? 0 : 1);
}
const victim = values.victim as VictimChoice;

const startedAt = performance.now();
const verdict = await crashRun({ kills, seed, victim, onKill: showKill });
const seconds = Math.round((performance.now() - startedAt) / 100) / 10;
if (values.json) console.log(JSON.stringify({ kills, victim, seed, seconds, ...verdict }, undefined, 2));
else showVerdict(verdict, seconds);
process.exitCode = verdict.violations.length === 0 ? 0 : 1;

function showKill({ number, victim, upMs, restartMs }: KillReport): void {
  if (!process.stderr.isTTY) return;
  const when = upMs < 0 ? 'while it started' : `${Math.round(upMs)} ms after it was up`;
  const line = `kill ${number} of ${kills}: ${victim}, ${when}; back in ${Math.round(restartMs)} ms`;
  process.stderr.write(`\r\x1b[K${line}${number === kills ? '\n' : ''}`);
}

function showVerdict({ counts, violations }: Verdict, seconds: number): void {
  const broken = Map.groupBy(violations, ({ rule }) => rule);
  const rows: [string, string | number][] = [
    ['kills with SIGKILL', `${kills} (${victim}; seed ${seed}; ${seconds} s)`],
    ['messages confirmed', counts.confirmed],
    ['messages stored, over all streams', counts.stored],
    ['deliveries', counts.deliveries],
    ['redeliveries', counts.redeliveries],
    ['  in an attempt seen before', counts.uncounted],
    ['  seen before the broker died by at most', `${counts.uncountedMsMax} ms`],
    ['awaited acks', counts.awaitedAcks],
    ['awaited nacks', counts.awaitedNacks],
    ...(victim === 'broker' || victim === 'publishers'
      ? []
      : ([
          ['messages that killed workers held', counts.held],
          ['  the last came again after', `${counts.heldReturnedMsMax} ms`],
        ] as [string, string | number][])),
    ['', ''],
    ...Object.entries(RULES).map(([rule, title]): [string, number] => [
      title,
      broken.get(rule as Rule)?.length ?? 0,
    ]),
  ];
  const width = Math.max(...rows.map(([title]) => title.length));
  for (const [title, value] of rows) console.log(`${title.padEnd(width)}  ${value}`.trimEnd());
  for (const [rule, cases] of broken) {
    console.error(`\n${RULES[rule]}:`);
    for (const { text } of cases.slice(0, SHOWN_MAX)) console.error(`  ${text}`);
    if (cases.length > SHOWN_MAX) console.error(`  and ${cases.length - SHOWN_MAX} more`);
  }
}
