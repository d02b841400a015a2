import { parseArgs } from 'node:util';
import { showVerdict } from '../show-verdict.ts';
import { type ChainRunOptions, type ChainVerdict, chainRun } from './chain-run.ts';
import { CHAIN_RULES } from './check-chain.ts';
import { CHAIN_VICTIMS, type ChainVictim } from './killer.ts';

const USAGE = `npm run crash:chain -- [--kills 200] [--victim ${CHAIN_VICTIMS.join('|')}] [--seed n] [--json]

Jobs go through three stages, each of which reads, computes, publishes and acks in one transaction; some are poison.
Kills the broker and the stages with SIGKILL at random moments, and checks that each good job has one result, and each
poison job one dead letter with all its attempts. Exits 1 if not.`;

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    victim: { type: 'string', default: 'any' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const kills = Number(values.kills);
const seed = Number(values.seed);
const isRight = Number.isSafeInteger(kills) && kills > 0 && Number.isSafeInteger(seed);
if (values.help || !isRight || !CHAIN_VICTIMS.includes(values.victim as ChainVictim)) {
  console.error(USAGE);
  process.exit(values.help ? 0 : 1);
}

const victim = values.victim as ChainVictim;

const startedAt = performance.now();
const verdict = await chainRun({ kills, seed, victim, onKill: showKill });
const seconds = Math.round((performance.now() - startedAt) / 100) / 10;
if (values.json) console.log(JSON.stringify({ kills, victim, seed, seconds, ...verdict }, undefined, 2));
else show(verdict);
process.exitCode = verdict.violations.length === 0 ? 0 : 1;

function showKill({
  number,
  victim: killed,
  upMs,
  restartMs,
  jobs,
}: Parameters<NonNullable<ChainRunOptions['onKill']>>[0]): void {
  if (!process.stderr.isTTY) return;
  const when = `${Math.round(upMs)} ms after all was up; back in ${Math.round(restartMs)} ms; ${jobs} jobs`;
  process.stderr.write(
    `\r\x1b[K${`kill ${number} of ${kills}: ${killed}, ${when}`}${number === kills ? '\n' : ''}`,
  );
}

function show({ counts, violations }: ChainVerdict): void {
  const rows: [string, string | number][] = [
    ['moments of a SIGKILL', `${kills} (${victim}; seed ${seed}; ${seconds} s)`],
    ['  brokers killed', counts.brokerKills],
    ['  processes of stages killed', counts.stageKills],
    ['jobs confirmed', counts.jobs],
    ['  of them poison', counts.poison],
    ['results', counts.results],
    ['dead letters', counts.letters],
    ["  attempts with the handler's error", counts.toldAttempts],
    ['  attempts that a kill ended', counts.killedAttempts],
    ['jobs that kills alone had brought there, redriven', counts.redriven],
  ];
  showVerdict(rows, CHAIN_RULES, violations);
}
