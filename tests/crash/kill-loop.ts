import { parseArgs } from 'node:util';
import { crashRun, type KillReport, VICTIMS, type VictimChoice } from './crash-run.ts';
import { type Verdict, verdictOf } from './history/check-history.ts';
import { RULES } from './history/violation.ts';
import { showVerdict } from './show-verdict.ts';

const USAGE = `npm run crash -- [--kills 100] [--victim ${VICTIMS.join('|')}] [--seed n] [--json]

Kills the broker (or workers, publishers, any of them) with SIGKILL at random moments under load, and checks that no
promise was broken, after every 100 kills: then the next begin on a broker of their own. Ctrl-C ends it with what was
checked so far. Exits 1 if a promise was broken.`;
/** What is seen during more would be more than can be checked at once. */
const ROUND_KILLS = 100;

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
const verdicts: Verdict[] = [];
let killed = 0;
const interrupted = new AbortController();
process.once('SIGINT', () => interrupted.abort());
while (killed < kills && (await round(Math.min(ROUND_KILLS, kills - killed)))) {}
end();

/** @returns whether it was not interrupted */
async function round(kills: number): Promise<boolean> {
  const { signal } = interrupted;
  try {
    const options = { kills, seed: seed + verdicts.length, victim, onKill: showKill, signal };
    verdicts.push(await crashRun(options));
  } catch (error) {
    if (error === signal.reason) return false;
    throw error;
  }
  killed += kills;
  const violations = verdicts.reduce((sum, each) => sum + each.violations.length, 0);
  if (!process.stderr.isTTY)
    process.stderr.write(`${killed} of ${values.kills} kills, ${violations} violations\n`);
  return true;
}

function end(): void {
  if (killed === 0) {
    console.error('Ended before anything was checked.');
    process.exit(1);
  }
  const seconds = Math.round((performance.now() - startedAt) / 100) / 10;
  const verdict = verdictOf(verdicts);
  if (values.json)
    console.log(JSON.stringify({ kills: killed, victim, seed, seconds, ...verdict }, undefined, 2));
  else show(verdict, seconds);
  process.exit(verdict.violations.length === 0 ? 0 : 1);
}

function showKill({ number, victim, upMs, restartMs }: KillReport): void {
  if (!process.stderr.isTTY) return;
  const when = upMs < 0 ? 'while it started' : `${Math.round(upMs)} ms after it was up`;
  const which = killed + number;
  const line = `kill ${which} of ${kills}: ${victim}, ${when}; back in ${Math.round(restartMs)} ms`;
  process.stderr.write(`\r\x1b[K${line}${which === kills ? '\n' : ''}`);
}

function show({ counts, violations }: Verdict, seconds: number): void {
  const rows: [string, string | number][] = [
    ['kills with SIGKILL', `${killed} (${victim}; seed ${seed}; ${seconds} s)`],
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
  ];
  showVerdict(rows, RULES, violations);
}
